import json, re, sys, email.utils, datetime

for f in sys.argv[1:]:
    z = 0
    n = 0
    for l in open(f):
        o = json.loads(l)
        n += 1
        d = email.utils.parsedate_to_datetime(o["date"])
        if d.strftime("%a") != o["date"][:3]:
            print(o["id"], "header weekday", d.strftime("%a"))
        for p in o["promises"]:
            c = len(re.findall(p["word"], o["text"]))
            if c != 1:
                print(o["id"], p["word"], c)
            due = p["due"]
            if due:
                dd = datetime.date.fromisoformat(due[:10])
                s = [x for x in re.split(r"(?<=[.!?])\s|\n", o["text"]) if re.search(p["word"], x)]
                print(
                    o["id"],
                    d.strftime("%a %d %b"),
                    "->",
                    dd.strftime("%a %d %b"),
                    due[10:],
                    p["relation"],
                    p["kind"],
                    "|",
                    s[0][:90],
                )
        for u in o["unsure"]:
            if u not in o["text"]:
                print(o["id"], "UNSURE missing")
        z += not (o["promises"] or o["compensation"] or o["unsure"])
    print(f, n, "nothing:", z)
