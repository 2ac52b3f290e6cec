#!/usr/bin/env python3
"""A driver of a pair, to copy: docs/drivers.md says what each verb promises.

It stands for a service whose two members each have a file that says whether this one serves. Replace the five functions below
"What is yours" by what your service has; the rest may stay.

Usage: template.py --role-file FILE --peer-file FILE [--unit NAME] VERB
Try:   belay-driver check -- ./template.py --role-file /tmp/a --peer-file /tmp/b
"""
import argparse
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time

VERBS = ["look", "stand-by", "restart", "commands"]


class Refused(Exception):
    """Its text is the sentence that a person reads."""


# What is yours


def role_in(file):
    """active, standby or none. Ask the service itself where it can be asked; a file may be older than the world."""
    try:
        with open(file, encoding="utf-8") as text:
            word = text.read().strip()
    except FileNotFoundError:
        return "none"
    return word if word in ("active", "standby") else "none"


def peer_role(asked):
    """As role_in, or None where the peer does not answer."""
    role = role_in(asked.peer_file)
    return None if role == "none" else role


def peer_has_everything(asked):
    """Whether the standby lacks nothing that the active has."""
    return True


def give_up(asked):
    """This member serves no more, and does not begin again by itself, after a power cut neither: hence the sync."""
    keep(asked.role_file, "standby")


def tell_peer_to_serve(asked):
    """May be told twice."""
    keep(asked.peer_file, "active")


# What may stay


def keep(file, word):
    """Replaced as a whole, and for good before it returns."""
    with open(file + ".new", "w", encoding="utf-8") as text:
        text.write(word + "\n")
        text.flush()
        os.fsync(text.fileno())
    os.replace(file + ".new", file)
    folder = os.open(os.path.dirname(os.path.abspath(file)), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def restart_command(asked):
    return ["systemctl", "restart", asked.unit] if asked.unit else []


def await_truth(seconds, ask):
    until = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def take_turn(asked):
    """One verb at a time; what we start inherits the lock, so that one that was killed is waited for to its last command."""
    name = hashlib.sha256(asked.role_file.encode()).hexdigest()[:16]
    lock = os.open("/run/lock/driver-" + name, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, True)

    def is_ours():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    if not await_truth(120, is_ours):
        raise Refused("another driver is at work on this member")


def look(asked):
    role, peer = role_in(asked.role_file), peer_role(asked)
    hot = role != "none" and peer is not None and peer != role and peer_has_everything(asked)
    print(json.dumps({
        "role": role,
        "hot": hot,
        "says": {"active": "serves", "standby": "stands by", "none": "does not run"}[role] + ("" if hot else ", its peer is not in step"),
        "version": os.environ.get("BELAY_IMAGE_VERSION", "1"),
        "starts_by_itself": True,
        "runs_from": os.path.abspath(__file__),
        "peer": "unreachable" if peer is None else "reachable",
        "offers": [],
    }))


def stand_by(asked):
    role, peer = role_in(asked.role_file), peer_role(asked)
    if role == "standby" and peer == "active":
        return
    if role == "none":
        raise Refused("this member does not run")
    if peer is None:
        raise Refused("the peer does not answer")
    if role == "active" and peer == "active":
        raise Refused("both serve: a person must decide which one is right")
    if role == "active":
        if not peer_has_everything(asked):
            raise Refused("the peer lacks what this member has")
        give_up(asked)
    # Both stand by: either we come from above, or from a run that was killed here.
    tell_peer_to_serve(asked)
    if not await_truth(60, lambda: peer_role(asked) == "active"):
        raise Refused("the peer was told to serve, and does not say that it does; run stand-by again when it answers")


def restart(asked):
    if role_in(asked.role_file) == "active":
        raise Refused("this member serves; stand-by comes first")
    command = restart_command(asked)
    if command and subprocess.run(command, check=False, close_fds=False).returncode != 0:
        raise Refused("it could not be restarted: " + " ".join(command))
    if not await_truth(60, lambda: role_in(asked.role_file) == "standby"):
        raise Refused("it was restarted, and does not come to stand by")


def commands(asked, verb):
    if verb == "stand-by":
        print(f"echo standby > {asked.role_file}")
        print(f"echo active > {asked.peer_file}")
    elif verb == "restart" and asked.unit:
        print(" ".join(restart_command(asked)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--role-file", required=True)
    parser.add_argument("--peer-file", required=True)
    parser.add_argument("--unit", default="")
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("of", nargs="?", choices=VERBS[1:3])
    asked = parser.parse_args()
    if (asked.verb == "commands") != (asked.of is not None):
        parser.error("commands is followed by the verb whose commands are wanted")
    try:
        if asked.verb == "look":
            look(asked)
        elif asked.verb == "commands":
            commands(asked, asked.of)
        else:
            take_turn(asked)
            {"stand-by": stand_by, "restart": restart}[asked.verb](asked)
    except (Refused, OSError) as problem:
        print(f"{os.path.basename(sys.argv[0])}: {problem}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
