"""Findings of the PBX's dialplan, and of the ways from there: to us, to the lamps, to old mailboxes."""

from bridge.check.doors import reached_at
from bridge.check.facts import Dialplan, Facts, Serving
from bridge.check.finding import Finding, error, listed, note, ok, warning
from bridge.check.pbx import AGAIN, unseen

INCLUDE = "aftertone dialplan > /etc/asterisk/aftertone.conf, #include it, asterisk -rx 'dialplan reload'"


def dialplan(facts: Facts) -> Finding:
    """Whether the PBX has our dialplan, and this version's."""
    match facts.pbx.dialplan:
        case Dialplan.OURS:
            return ok("dialplan", "the PBX has this version's dialplan")
        case Dialplan.OTHER:
            return warning("dialplan", "the PBX has the dialplan of another version, or a changed one", AGAIN)
        case Dialplan.OLD:
            return warning("dialplan", "the PBX has the dialplan of an older version", AGAIN)
        case Dialplan.NONE:
            return error("dialplan", "the PBX has no dialplan of ours that can be asked", INCLUDE)
        case None:
            return unseen("dialplan", facts, "asterisk -rx 'dialplan show aftertone'")


def offers(facts: Facts) -> Finding:
    """Whether a call of the PBX finds the bridge."""
    if facts.service.http is not Serving.READY:
        return note("pbx-offers", "not tried: the bridge does not run", "check again when it does")
    if facts.pbx.offers is None:
        return unseen("pbx-offers", facts, "asterisk -rx 'dialplan show globals'   (AFTERTONE_AGI)")
    if not facts.pbx.offers:
        return error(
            "pbx-offers",
            "the PBX cannot offer calls to the bridge: its AFTERTONE_AGI is another address, a firewall is"
            " between, or its address is not in AFTERTONE_PEERS",
            f"AFTERTONE_AGI={reached_at(facts)} in [globals] of the PBX's extensions.conf",
        )
    return ok("pbx-offers", "the PBX offers calls to a bridge that answers")


def sound(facts: Facts) -> Finding:
    """Whether a call's sound finds the bridge."""
    if facts.service.http is not Serving.READY:
        return note("pbx-sound", "not tried: the bridge does not run", "check again when it does")
    if facts.pbx.sound is None:
        return unseen("pbx-sound", facts, "asterisk -rx 'module show like audiosocket'")
    if not facts.pbx.sound:
        return error(
            "pbx-sound",
            "the PBX cannot bring the sound of calls to the bridge (AFTERTONE_AUDIOSOCKET:"
            f" {facts.settings.audiosocket})",
            "open that port in the firewall for the PBX, or let the bridge listen where the PBX reaches it",
        )
    return ok("pbx-sound", "the PBX brings the sound of calls to the bridge")


def journal(facts: Facts) -> Finding:
    """Whether the PBX still keeps calls of a time when the bridge was away."""
    kept = facts.pbx.journal
    if kept is None:
        return unseen("journal", facts, "asterisk -rx 'database show aftertone-journal'")
    if kept and facts.service.http is Serving.READY:
        return warning(
            "journal",
            "the PBX keeps calls of a time when the bridge was away, which are not filed yet",
            "check again in ten minutes; if they are still there, the bridge's log says why",
        )
    if kept:
        return note(
            "journal", "the PBX keeps calls for the bridge until it runs", "start it: aftertone serve"
        )
    return ok("journal", "the PBX keeps no calls of which the bridge has not heard")


def sentence(facts: Facts) -> Finding:
    """Whether callers hear something before the tone."""
    if facts.pbx.sentence is None:
        return unseen("pbx-sentence", facts, "ls /usr/share/asterisk/sounds/en/vm-nobodyavail.*")
    if not facts.pbx.sentence:
        return warning(
            "pbx-sentence",
            "the PBX has no vm-nobodyavail in its default language: callers hear only the tone",
            "install Asterisk's core sounds (asterisk-core-sounds-en-gsm), or set AFTERTONE_SENTENCE there",
        )
    return ok("pbx-sentence", "the sentence that callers hear is there, or another one is set")


def lamp(facts: Facts) -> Finding:
    """By which way lamps are set."""
    if facts.pbx.state == "off":
        return note("lamp", "off without AMI")
    if facts.pbx.lamp is None:
        return unseen("lamp", facts, "asterisk -rx 'core show application MinivmMWI'")
    if facts.pbx.lamp:
        return ok("lamp", f"a lamp could be set, by {facts.pbx.lamp}")
    if facts.pbx.modules.get("app_minivm") is False:
        return error(
            "lamp",
            "no lamp can be set: app_minivm is not loaded",
            "asterisk -rx 'module load app_minivm.so', and modules.conf, so that it stays",
        )
    return error(
        "lamp",
        "no lamp can be set: the PBX's dialplan has no aftertone-lamp, or our AMI user may not call it",
        f"{AGAIN}; see also the finding `ami-rights`",
    )


def dial_in(facts: Facts) -> Finding:
    """Whether mailboxes can be opened by telephone and PIN."""
    if facts.pbx.modules.get("app_voicemail") is False:
        return ok("dial-in", "VoiceMail is not loaded: no mailbox can be opened by telephone")
    if facts.pbx.dials is None:
        return unseen("dial-in", facts, "asterisk -rx 'dialplan show' | grep VoiceMailMain")
    if facts.pbx.dials:
        return warning(
            "dial-in",
            f"telephones can dial {listed(facts.pbx.dials)}: mostly VoiceMailMain, a door with a PIN to what"
            " classic VoiceMail keeps",
            "when old messages are taken over (aftertone import voicemail), remove these extensions from the"
            " dialplan (FreePBX: Admin, Feature Codes, Voicemail)",
        )
    return ok("dial-in", "the usual numbers of VoiceMailMain cannot be dialled")
