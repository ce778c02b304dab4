"""The record tasks of RTC (`GetRecordTask`)."""
