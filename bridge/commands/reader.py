"""Commands of a key holder: over the HTTP API, from any machine, without a setting of the server."""

import argparse


def notes(args: argparse.Namespace) -> int:
    """List the rows that this key may read."""
    from bridge import keyholder

    return keyholder.notes(args.key_file, as_json=args.json, server=args.server)


def open_note(args: argparse.Namespace) -> int:
    """Open one note into a WAV file."""
    from bridge import keyholder

    return keyholder.open_note(
        args.note_id, args.key_file, args.output, damaged=args.damaged, server=args.server
    )


def member_add(args: argparse.Namespace) -> int:
    """Give a mailbox to a user who is there already; he waits until a member approves him."""
    from bridge import keyholder

    return keyholder.add(
        args.user, args.mailbox, args.key_file, fingerprint=args.fingerprint, server=args.server
    )


def member_approve(args: argparse.Namespace) -> int:
    """Let a waiting member read a mailbox, with the key of one who already may."""
    from bridge import keyholder

    return keyholder.approve(args.user, args.mailbox, args.key_file, server=args.server)


def member_remove(args: argparse.Namespace) -> int:
    """Take somebody off a mailbox; those who stay get a new key."""
    from bridge import keyholder

    return keyholder.remove(args.user, args.mailbox, args.key_file, server=args.server)


def member_new_key(args: argparse.Namespace) -> int:
    """Give a mailbox a new key, for those who are its members now."""
    from bridge import keyholder

    return keyholder.new_key(args.mailbox, args.key_file, server=args.server)


def member_list(args: argparse.Namespace) -> int:
    """List who reads a mailbox and who waits to, with their keys' fingerprints."""
    from bridge import keyholder

    return keyholder.members(args.mailbox, args.key_file, server=args.server)
