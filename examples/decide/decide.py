"""Decides a change with a tables.json: `python3 decide.py tables.json < situations`, one JSON object for each line, such as
{"role":"Agents","from":"cic","entered":"At Lunch","given":{"cic_logged_in":true,"user_type":"im","lync":"Busy"}}.
`by_hand` may list the systems whose state did not come from us. Outcome `previous`: set the system's own state."""
import json
import sys


def decide(tables, role, source, entered, given, by_hand=()):
    facts = {fact["name"]: fact for fact in tables["facts"]}
    states = {system["name"]: [state["name"] for state in system["states"]] for system in tables["systems"]}

    def value(name):
        usual = facts.get(name, {}).get("default", False if name in facts else None)
        return entered if name in (None, source) else usual if given.get(name) is None else given[name]

    def matches(row):
        return (entered in row.get("from", [entered]) and all(value(name) in values for name, values in row.get("when", {}).items())
                and all(is_by_hand(name) in values for name, values in row.get("by_hand", {}).items()))

    def is_by_hand(name):
        return name == source or name in by_hand

    def reached(diagram):
        at = diagram["root"]
        while at is not None and at >= 0:
            ask, ways = diagram["nodes"][at]["ask"], diagram["nodes"][at]["next"]
            if isinstance(ask, dict):
                at = ways[is_by_hand(ask["by_hand"])]
                continue
            values = facts[ask].get("values", [False, True]) if ask in facts else states[source] if ask is None else [None, *states[ask]]
            at = ways[values.index(value(ask))]
        return None if at is None else -1 - at

    def joins(text):
        return reached(text["diagram"]) is not None if "diagram" in text else "rows" not in text or any(map(matches, text["rows"]))

    def one(direction):
        for name in direction["columns"]:
            if facts.get(name, {}).get("kind") == "choice" and value(name) is None:
                raise ValueError(f"{name} has no value")
        for table in (tables["tables"][number] for number in direction["tables"]):
            if "diagram" in table:
                at = reached(table["diagram"])
                row = None if at is None else table["decisions"][at]
            else:
                blocks = filter(matches, table.get("blocks", [])) if matches({"when": table.get("when", {})}) else []
                row = next((row for block in blocks for row in block["rows"] if matches(row)), None)
            if row:
                append = [text["text"] for text in table.get("append", []) if row["outcome"] != "unchanged" and joins(text)]
                return {"to": direction["to"], "outcome": row["outcome"], "state": row.get("state"), "append": append,
                        "profile": table.get("profile"), "rule": row.get("rule")}
        return {"to": direction["to"], "outcome": "unmapped", "state": None, "append": [], "profile": None, "rule": None}

    numbers = next(one["directions"] for one in tables["roles"] if one["name"] == role)
    return [one(direction) for direction in (tables["directions"][number] for number in numbers) if direction["from"] == source]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        loaded = json.load(file)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(decide(loaded, asked["role"], asked["from"], asked["entered"], asked["given"],
                                asked.get("by_hand", ()))))
