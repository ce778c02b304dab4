"""The vendor's side: the signed API, the record tasks of RTC, and the files of recordings."""
