"""Links to the files of a recording, wherever they are stored: TOS, S3, VOD or a pattern of addresses."""
