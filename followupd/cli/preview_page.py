"""The page of `followupd preview --serve`: every letter as text, on a phone and on a desktop, with what `check` says of it."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Letters - followupd</title>
<style>
:root { color-scheme: light dark; --line: #c9cecb; --ink: #22292b; --dim: #5c6668; --paper: #fff; --ground: #f3f4f1; --mark: #14615a; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4244; --ink: #e7eae9; --dim: #a5afad; --paper: #1d2123; --ground: #131617; --mark: #7cc9be; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
header { display: flex; flex-wrap: wrap; gap: 12px; align-items: center; padding: 12px 20px; background: var(--paper);
  border-bottom: 1px solid var(--line); }
h1 { margin: 0 12px 0 0; font-size: 17px; }
label { color: var(--dim); }
select { font: inherit; padding: 3px 6px; color: var(--ink); background: var(--ground); border: 1px solid var(--line); border-radius: 4px; }
main { display: grid; gap: 20px; padding: 20px; grid-template-columns: minmax(300px, 1fr) 394px minmax(640px, 1.6fr); align-items: start; }
@media (max-width: 1420px) { main { grid-template-columns: 1fr; } }
section { min-width: 0; }
h2 { margin: 0 0 6px; font-size: 13px; font-weight: 600; color: var(--dim); }
pre, iframe, .said { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
pre { margin: 0; padding: 16px; white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.5 ui-monospace, monospace; }
iframe { display: block; width: 100%; height: 844px; background: #fff; }
#phone { width: 390px; }
#head { margin: 0 0 14px; display: grid; grid-template-columns: auto 1fr; gap: 0 10px; }
#head dt { color: var(--dim); }
#head dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: 0 0 14px; padding: 0; list-style: none; }
.said { padding: 8px 12px; margin: 0 0 6px; border-left: 4px solid #b3541e; }
.well { border-left-color: var(--mark); }
.said code { color: var(--dim); }
#state { margin-left: auto; color: var(--dim); }
</style>
</head>
<body>
<header>
<h1>Letters</h1>
<label>Letter <select id="kind"></select></label>
<label>Language <select id="language"></select></label>
<label>Case <select id="sample"></select></label>
<span id="state" role="status"></span>
</header>
<main>
<section><h2>What check says</h2><ul id="findings"></ul><dl id="head"></dl><h2>Text</h2><pre id="text"></pre></section>
<section><h2>Phone, 390 px</h2><iframe id="phone" sandbox title="The letter on a phone"></iframe></section>
<section><h2>Desktop</h2><iframe id="desktop" sandbox title="The letter on a desktop"></iframe></section>
</main>
<script nonce="NONCE">
const at = id => document.getElementById(id);
const names = ["kind", "language", "sample"];
let choices = null, version = "";
const chosen = () => new URLSearchParams(names.map(name => [name, at(name).value]));
function fill(name) {
  const wanted = new URLSearchParams(location.hash.slice(1)).get(name), before = at(name).value;
  at(name).replaceChildren(...choices[name].map(value => new Option(value, value)));
  for (const value of [before, wanted]) if (choices[name].includes(value)) { at(name).value = value; break; }
}
function line(text, well) {
  const item = document.createElement("li");
  item.className = well ? "said well" : "said";
  item.textContent = text;
  return item;
}
async function show() {
  const query = chosen(), letter = await (await fetch("/letter?" + query)).json();
  history.replaceState(null, "", "#" + query);
  at("findings").replaceChildren(...(letter.findings.length ? letter.findings.map(each => line(each)) : [line("Nothing.", true)]));
  at("head").replaceChildren(...letter.headers.flatMap(([name, value]) => {
    const [term, told] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, told.textContent] = [name, value];
    return [term, told];
  }));
  at("text").textContent = letter.text;
  for (const id of ["phone", "desktop"]) at(id).src = "/html?" + query + "&v=" + encodeURIComponent(version);
  document.title = letter.title + " - followupd";
}
async function watch() {
  for (;;) {
    try {
      const answer = await (await fetch("/version?seen=" + encodeURIComponent(version))).json();
      if (answer.version !== version) {
        version = answer.version;
        choices = answer.choices;
        names.forEach(fill);
        await show();
      }
      at("state").textContent = "up to date";
      await new Promise(resolve => setTimeout(resolve, 250));
    } catch (error) {
      at("state").textContent = "followupd preview has stopped";
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
  }
}
names.forEach(name => at(name).addEventListener("change", show));
watch();
</script>
</body>
</html>
"""
