"""The world on this machine: stand-ins as strict as the real ones, for tests and for trying the bot without an account.

The stand-ins import nothing of what they are there to test.
"""
