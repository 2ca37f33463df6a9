"""Generates programs and event streams of any size, deterministically.

Usage: programs.py site PROFILES | skills PROFILES | flags structured|entangled | wide RULES | events EVENTS USERS
"""
import random
import sys

AWAY = ["At Lunch", "Gone Home", "Out of the Office", "Out of Town", "On Vacation"]
BUSY = ["Busy, In a Meeting", "At a Training Session"]
CIC = ["Available", "Available, Forward", "Available, No ACD", "Available, Follow Me", "Working at Home", "In a Meeting",
       *BUSY, "Do Not Disturb", "Away from Desk", *AWAY]
LYNC = ["Available", "Busy", "Do Not Disturb", "Be Right Back", "Away", "Off Work"]
PROFILES_A_ROLE = 10


def site(profiles):
    """Profiles as large sites have them: 36 rules and 2 KB each, ten per role; 5,000 profiles are 180,000 rules.
    Every hundredth profile has two findings, the others have none."""
    lines = ["use cic_lync", ""]
    for flag in range(PROFILES_A_ROLE):
        lines += [f"/// Skill {flag} of the user, as the workforce management of the site has it.", f"flag skill_{flag}"]
    for flag in range(6):
        lines += [f"/// On duty in shift {flag}.", f"flag shift_{flag}"]
    name = lambda at: f"Site {at // PROFILES_A_ROLE:04}, desk {at % PROFILES_A_ROLE}"
    for at in range(profiles):
        # Vary the profiles, so that no two in a role are equal.
        away, busy = AWAY[at // 7 % 5], BUSY[at // 3 % 2]
        lines += ["", f"/// Desk {at % 10} of site {at // 10}: what the supervisors agreed on for the year, and what the desk does in its shifts.",
                  f'profile "{name(at)}" when enterprise_voice and skill_{at % PROFILES_A_ROLE} {{']
        for no in ["not ", ""]:
            lines += [f"    when both_logged_in and {no}shift_{at % 6} {{",
                      "        cic Available                <-> lync Available",
                      '        cic "In a Meeting"           <-> lync Busy',
                      '        cic "Do Not Disturb"         <-> lync "Do Not Disturb"',
                      '        cic "Away from Desk"         <-> lync Away',
                      f'        cic "{busy}" -> lync Busy']
            for state in AWAY:
                target = '"Off Work"' if state == away and no else "Away"
                lines.append(f'        cic "{state}" -> lync {target}')
            lines += ['        lync "Be Right Back" -> cic unchanged // nobody knows for how long',
                      '        lync "Off Work" -> cic unchanged // gone for the day, whatever CIC says',
                      "    }"]
        lines += ['    when both_logged_in and in_queue: append "in queue" to lync',
                  '    when cic_logged_in and not lync_logged_in: cic "At Lunch" | "Gone Home" -> lync unchanged',
                  "    when not both_logged_in: lync Available -> cic unchanged",
                  "    cic otherwise -> lync unchanged",
                  # Every hundredth profile repeats a rule.
                  '    lync "Off Work" -> cic unchanged' if at % 100 == 99 else "    lync otherwise -> cic unchanged",
                  "}"]
        if at % PROFILES_A_ROLE == PROFILES_A_ROLE - 1 or at + 1 == profiles:
            names = [f'"{name(other)}"' for other in range(at // PROFILES_A_ROLE * PROFILES_A_ROLE, at + 1)]
            lines += ["", f'role "Team {at // PROFILES_A_ROLE:04}" uses {", ".join(names)}']
    return "\n".join(lines) + "\n"


def skills(profiles):
    """Twelve profiles a role on fourteen flags, with two appendices each: few rules, many situations."""
    lines = ["use cic_lync", ""] + [f"flag skill_{flag:02}" for flag in range(14)]
    # What no desk says.
    lines += ["", 'profile "Rest" {', "    cic otherwise -> lync unchanged", "    lync otherwise -> cic unchanged", "}"]
    chance = random.Random(11)
    name = lambda at: f"Desk {at // 12:04}, {at % 12}"
    for at in range(profiles):
        one, two, three = chance.sample(range(14), 3)
        lines += ["", f'profile "{name(at)}" when enterprise_voice and skill_{one:02} and not skill_{two:02} {{',
                  "    when both_logged_in {"]
        for state in chance.sample([state for state in CIC if state != "Do Not Disturb"], 5):
            lines.append(f'        cic "{state}" -> lync "{chance.choice(LYNC)}"')
        lines += [f'        when skill_{three:02}: cic "Do Not Disturb" -> lync "Do Not Disturb"', "    }",
                  f'    when skill_{three:02}: append "skill {three}" to lync',
                  f'    when not skill_{chance.randrange(14):02}: append "desk {at % 12}" to lync', "}"]
        if at % 12 == 11 or at + 1 == profiles:
            names = ", ".join(f'"{name(other)}"' for other in range(at // 12 * 12, at + 1))
            lines += ["", f'role "Team {at // 12:04}" uses {names}, "Rest"']
    return "\n".join(lines) + "\n"


def forty_flags(kind, rules=2000):
    """Forty flags, five choices of ten values and many rules: exclusive ones in one profile (structured), or two thousand
    with random conditions in fifty profiles."""
    lines = ["use cic_lync"] + [f"flag f{flag}" for flag in range(40)]
    for choice in range(5):
        values = " | ".join(f"c{choice}v{value}" for value in range(10))
        lines.append(f"choice c{choice} = {values} default c{choice}v0")
    if kind == "structured":
        lines.append('profile "P" {')
        for rule in range(rules):
            choices = " and ".join(f"c{choice} is c{choice}v{rule // 10 ** choice % 10}" for choice in range(4))
            lines.append(f'when {choices} and f{rule % 40} and not f{(rule * 7 + 1) % 40}: '
                         f'cic "{CIC[rule % 15]}" -> lync "{LYNC[rule % 6]}"')
        return "\n".join(lines + ["}"]) + "\n"
    chance = random.Random(7)
    literal = lambda: chance.choice(["", "not "]) + f"f{chance.randrange(40)}"
    for profile in range(50):
        guard = " and lync is not Busy" if profile % 5 == 0 else ""
        lines.append(f'profile "P{profile}" when f{profile % 40} and not f{(profile + 7) % 40}{guard} {{')
        targets = [chance.choice(LYNC) for _ in CIC]
        for _ in range(40):
            at = chance.randrange(15)
            lines.append(f'when {literal()} and {literal()}: cic "{CIC[at]}" -> lync "{targets[at]}"')
        lines += [f'when {literal()}: append "t{profile % 3}" to lync', "}"]
    return "\n".join(lines) + "\n"


def wide(rules):
    """One profile with the given number of rules, each for a different combination of values of two choices."""
    side = round(rules ** 0.5)
    lines = ["use cic_lync"]
    for choice in "ab":
        values = " | ".join(f"{choice}{value}" for value in range(side))
        lines.append(f"choice {choice} = {values} default {choice}0")
    lines.append('profile "P" {')
    for rule in range(rules):
        lines.append(f'when a is a{rule % side} and b is b{rule // side % side}: '
                     f'cic "{CIC[rule % 15]}" -> lync "{LYNC[rule % 6]}"')
    return "\n".join(lines + ["}"]) + "\n"


def events(roles, count, users):
    """Events for contact-centre: each user logs in, then statuses, presences and queue membership change at random."""
    chance = random.Random(5)
    lines = [f'{{"user":"agent{user:05}","role":"{roles[user % len(roles)]}","set":{{"user_type":"enterprise_voice",'
             f'"cic_logged_in":true,"lync_logged_in":true}}}}' for user in range(users)]
    cic = ["Available", "At Lunch", "In a Meeting", "Do Not Disturb", "Away from Desk", "Gone Home", "Available, No ACD",
           "Follow Up"]
    lync = ["Available", "Busy", "Away", "Do Not Disturb", "Be Right Back"]
    for at in range(count - users):
        second = 7 * 3600 + at // 50
        end = f'"id":"{at}","at":"2026-11-22T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}Z"}}'
        start = f'{{"user":"agent{chance.randrange(users):05}",'
        kind = chance.random()
        if kind < 0.7:
            lines.append(f'{start}"change":{{"cic":"{chance.choice(cic)}"}},{end}')
        elif kind < 0.9:
            lines.append(f'{start}"change":{{"lync":"{chance.choice(lync)}"}},{end}')
        else:
            lines.append(f'{start}"set":{{"in_queue":{chance.choice(["true", "false"])}}},{end}')
    return "\n".join(lines) + "\n"


ROLES = ["Agents", "Supervisors", "Back Office"]

if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    made = {"site": lambda: site(int(rest[0])), "skills": lambda: skills(int(rest[0])),
            "flags": lambda: forty_flags(rest[0], *map(int, rest[1:])), "wide": lambda: wide(int(rest[0])),
            "events": lambda: events(ROLES, int(rest[0]), int(rest[1]))}
    sys.stdout.write(made[kind]())
