"""What ``aftertone`` does: one function per command, one module per place where it works.

Heavy parts are imported by the command that needs them, so that ``serve`` is only the small supervisor.
"""
