"""Between the askers and RTC: what is remembered, and when a request may go out."""
