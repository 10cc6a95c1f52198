"""What ``aftertone check`` finds.

Looking (``look``, ``certificate``, ``probe``) gathers facts. Findings are made of facts alone (``machine``,
``folder``, ``doors``, ``pbx``, ``dialling``), each by one function of the table in ``report``.
"""
