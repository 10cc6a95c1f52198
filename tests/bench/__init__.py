"""What a note costs here and in app_voicemail: ``python -m tests.bench``.

One Asterisk, one bridge, and crowds of sipp callers who speak for ten seconds each, into one and the other by
turns. Figures are medians: another program on the same machine moves a single run by a fifth and more.

``--floor`` asks instead how little a note could cost: a third crowd goes to a bridge that does nothing
(``null``), in the same run.
"""
