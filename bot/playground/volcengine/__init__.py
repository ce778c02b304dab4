"""The stand-ins for Volcengine: the gateway with RTC and VOD, and the object store."""
