"""German: words of time, and how agents promise, grant, hedge and report; the present tense speaks of the future too."""

import re

from followupd.text.promises.grammar import DateWords, Grammar, counted, words

_DATES = DateWords(
    weekdays=counted("montag, dienstag, mittwoch, donnerstag, freitag, samstag|sonnabend, sonntag"),
    months=counted(
        "januar|jänner|jan, februar|feb, märz, april|apr, mai, juni, juli, august|aug, september|sept"
        "|sep, "
        "oktober|okt, november|nov, dezember|dez",
        start=1,
    ),
    numbers=counted(
        ("ein|eine|einem|einer|eines, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, elf, zwölf"), start=1
    )
    | {"vierzehn": 14},
    units={
        r"minuten?": "minute",
        r"stunden?": "hour",
        r"geschäftsstunden?": "business hour",
        r"(?:werk|arbeits|geschäfts)tag(?:en|es|e)?": "business day",
        r"tag(?:en|es|e)?": "day",
        r"wochen?": "week",
        r"monat(?:en|s|e)?": "month",
    },
    offsets=(
        (
            r"(?:innerhalb|binnen|in|im\s+laufe)\s+(?:von\s+)?(?:(?:der|den)\s+)?(?:nächsten\s+"
            r"|kommenden\s+)?{n}\s?{unit}"
        ),
    ),
    phrases=(
        (r"(?<=tag)(?:morgen|früh|vormittag)|(?<=woch)(?:morgen|früh|vormittag)", "morning"),
        (r"(?<=tag)mittag|(?<=woch)mittag", "noon"),
        (r"(?<=tag)nachmittag|(?<=woch)nachmittag", "afternoon"),
        (r"(?<=tag)abend|(?<=woch)abend", "evening"),
        (r"übermorgen", "day+2"),
        (r"morgen\s+(?:früh|vormittag)", "tomorrow-morning"),
        (r"morgen", "day+1"),
        (r"heute\s+vormittag|heute\s+morgen|heute\s+früh", "today-morning"),
        (r"heute\s+mittag", "today-noon"),
        (r"heute\s+nachmittag", "today-afternoon"),
        (r"heute\s+abend", "today-evening"),
        (r"heute\s+nacht", "today-night"),
        (r"heute", "day+0"),
        (r"vor\s+dem\s+wochenende", "weekend+0"),
        (r"(?:zum\s+)?ende\s+(?:der\s+)?(?:nächsten|nächster|kommenden|kommender)\s+woche", "week+1"),
        (
            (
                r"(?:zum\s+)?ende\s+(?:der|dieser)\s+woche|diese\s+woche|in\s+dieser\s+woche"
                r"|(?:zum\s+)?wochenende"
            ),
            "week+0",
        ),
        (r"(?:zu\s+)?(?:beginn|anfang)\s+(?:der\s+)?(?:nächster|nächsten|kommender|kommenden)\s+woche", "early+1"),
        (r"mitte\s+(?:der\s+)?(?:nächster|nächsten|kommender|kommenden)\s+woche", "mid+1"),
        (
            (
                r"(?:im\s+laufe\s+der\s+|in\s+der\s+)?(?:nächste|nächster|nächsten|kommende|kommender"
                r"|kommenden)\s+woche"
            ),
            "week+1",
        ),
        (r"(?:zum\s+)?ende\s+(?:des|dieses)\s+monats|(?:zum\s+)?monatsende|diesen\s+monat", "month+0"),
        (r"(?:ende\s+)?(?:nächsten|kommenden)\s+monats?", "month+1"),
        (r"(?:vor|bis|zu)\s+weihnachten", "christmas"),
        (r"mittags?", "noon"),
        (r"mitternacht", "night"),
        (r"vormittags?", "morning"),
        (r"nachmittags?", "afternoon"),
        (r"abends?", "evening"),
        (r"(?:geschäfts|büro|dienst)schluss|feierabend|(?:zum\s+)?ende\s+des\s+(?:arbeits)?tages", "close"),
    ),
    clock=r"(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?\s?uhr\b",
    to="bis|oder",
    through="bis|-|–",
    lead=(
        r"bis|spätestens|vor|am|an|um|gegen|ab|zum|zu|dem|den|der|im|noch|für|schon|gleich"
        r"|allerspätestens"
    ),
    strong=r"bis|spätestens|allerspätestens|vor",
    before=r"vor",
    trail=r"spätestens|noch",
    glue=r",|um|gegen|bis|vor|am|,?\s*de[mnr]|,?\s*am|t",
    past_before=r"vom|seit|von|letzten|letzte[rsm]?|vergangenen|vergangene[rsm]?|vorigen",
    past_after=r"(?:bestellt|geschrieben|abgebucht)(?:e[nrs]?)?",
    tails=r"(?:morgen|früh|vormittag|mittag|nachmittag|abend)s?",
    this_weekday=r"(?:diesen|kommenden|nächsten|kommender|nächster|dieser)\s+",
)

#: words that may stand between a verb and what goes with it; a sentence is short, and so is this
_MID = r"(?: [\w'%€$£.,-]+){0,8}? "
_US = r"(?:ich|wir)"
_ACT = (
    "schicke|schicken|sende|senden|versende|versenden|verschicke|verschicken|liefere|liefern"
    "|ersetze|ersetzen|tausche|tauschen"
    "|erstatte|erstatten|überweise|überweisen|repariere|reparieren|korrigiere|korrigieren"
    "|storniere|stornieren|prüfe|prüfen"
    "|kläre|klären|veranlasse|veranlassen|kümmere|kümmern|buche|buchen|organisiere|organisieren"
    "|leite|leiten|bestelle|bestellen"
    "|stelle|stellen|übernehme|übernehmen|untersuche|untersuchen|erledige|erledigen|bearbeite"
    "|bearbeiten|hole|holen"
    "|überprüfe|überprüfen|ändere|ändern|richte|richten|behebe|beheben|vereinbare|vereinbaren"
    "|gebe|geben|verspreche|versprechen"
    "|frage|fragen|schreibe|schreiben|spreche|sprechen|verlängere|verlängern|zahle|zahlen|reiche"
    "|reichen|sorge|sorgen|starte|starten|ziehe|ziehen|baue"
    "|bauen|berechne|berechnen|aktiviere|aktivieren|entferne|entfernen|lösche"
    "|löschen|reserviere|reservieren|liefre|bespreche|besprechen|werfe|werfen|fordere"
    "|fordern|beantrage|beantragen|bringe|bringen|lasse|lassen"
)
_INFINITIVE = (
    "schicken|zuschicken|senden|zusenden|versenden|verschicken|liefern|ausliefern|ersetzen"
    "|umtauschen|austauschen|erstatten|überweisen"
    "|zurückerstatten|zurückzahlen|reparieren|korrigieren|stornieren|prüfen|klären|veranlassen"
    "|kümmern|buchen|organisieren|weiterleiten"
    "|weitergeben|bestellen|ausstellen|übernehmen|untersuchen|erledigen|bearbeiten|abholen"
    "|überprüfen|ändern|einrichten|beheben"
    "|vereinbaren|nachfragen|nachsehen|gutschreiben|verlängern|freischalten|eskalieren"
    "|nachreichen|besprechen|ansehen|anschauen|anfordern|beantragen|löschen|entfernen|reservieren"
    "|berechnen|aktivieren|sorgen|zurücknehmen|abholen lassen|begleichen|regeln|bringen|geben"
    "|vorziehen|verschieben|auszahlen|nachliefern|zustellen|lösen|anpassen"
)
_PARTICIPLE = (
    "geschickt|zugeschickt|gesendet|versendet|versandt|verschickt|geliefert|ausgeliefert|ersetzt"
    "|umgetauscht|ausgetauscht|erstattet|überwiesen"
    "|zurückerstattet|repariert|korrigiert|storniert|gekündigt|veranlasst|gebucht|weitergeleitet"
    "|bestellt|ausgestellt|erledigt|bearbeitet"
    "|abgeholt|geändert|eingerichtet|behoben|gutgeschrieben|verlängert|freigeschaltet|ausgezahlt"
    "|zugestellt|gelöst|angepasst|zurückgesetzt|gelegt|hinterlegt|beigefügt|angefordert|beantragt"
    "|gelöscht|entfernt|reserviert|aktiviert|abgeschickt|rausgeschickt|losgeschickt|aufgegeben"
    "|beglichen|angewiesen|freigegeben"
)
_HEAR = (
    rf"(?:melde|melden){_MID}?(?:mich|uns)|(?:melde|melden) (?:mich|uns)|(?:gebe"
    rf"|geben){_MID}?bescheid|(?:rufe|rufen){_MID}?(?:an|zurück)"
    rf"|(?:halte|halten){_MID}?(?:auf dem laufenden|auf dem neuesten stand)|(?:schreibe"
    rf"|schreiben) (?:ich |wir )?(?:ihnen|dir|euch)"
    rf"|(?:komme|kommen){_MID}?auf sie zu|(?:informiere|informieren|kontaktiere|kontaktieren"
    rf"|benachrichtige|benachrichtigen) (?:ich |wir )?(?:sie|dich)"
)
_HEAR_I = (
    rf"melde (?:ich )?mich|gebe{_MID}?bescheid|rufe(?: ich)? (?:sie|dich)|halte(?: ich)? (?:sie"
    rf"|dich)|schreibe (?:ich )?(?:ihnen|dir)|informiere (?:ich )?(?:sie|dich)|sage (?:ich )?ihnen"
    rf"|teile (?:ich )?ihnen|komme(?: ich)? auf sie zu"
)
_HEAR_END = (
    "melden|anrufen|zurückrufen|bescheid geben|auf dem laufenden halten|informieren|kontaktieren"
    "|benachrichtigen|schreiben|mitteilen"
)
_THING = r"(?:(?:ihre?|der|die|das|den|unser|unsere|eine?|es|sie|dies|alles)(?: [\w-]+){0,4}?)"
_ONE_OF_US = (
    r"(?:(?:mein|meine|unser|unsere|der|die|eine?) (?:[\w-]+ )?(?:kolleg\w+|chef\w*|techniker\w*"
    r"|monteur\w*|leiter\w*|team\w*|vorgesetzte\w*|mitarbeiter\w*|fahrer\w*|kurier\w*"
    r"|kundendienst))"
)

#: "Der Tischler tauscht die Platte am Freitag aus": somebody does something on a day to come; no past, no opening hours
_SCHEDULED = (
    r"^(?!.*(?<!\w)(?:war|waren|hatten?|wurden?|worden|kam|kamen|ging|gingen|gab|fand|begann|fiel|(?:bestell|kauf|liefer|schick|konn|woll"
    r"|muss|zahl|sag|melde)ten?)(?!\w))(?!.*(?<!\w)(?:habe|haben|hat|ist|sind)(?!\w).*ge\w+(?:t|en)\W*$)"
    r".*?(?<!\w)(?:(?:der|die|das|unsere?|ihre?|meine?) (?:[\w-]+ ){1,4}?|er |wir )"
    r"(?!(?:endet|enden|beginnt|beginnen|schließt|öffnet|gilt|gelten|dauert|kostet|feiern|haben|hat|ist|sind|arbeiten|steht|liegt|bleibt|verstehen|wissen"
    r"|freuen|hoffen|bedauern|danken|können|müssen|sollen|wollen|nicht)(?!\w))[\w]+(?:t|en)"
)

GERMAN = Grammar(
    language="de",
    dates=_DATES,
    clause=re.compile(
        r"(?:,|;|:)?\s+(?:und|aber|doch|sondern|denn)\s+(?=(?:ich|wir|sie|es|er|unser|ihr|der|die|das"
        r"|ihre|unsere)\b)|;\s|\s[–—-]\s|:\s"
    ),
    unreal=words(
        r"falls",
        r"wenn",
        r"sofern",
        r"solange",
        r"vorausgesetzt",
        r"ob",
        r"andernfalls",
        r"ansonsten",
        r"^sollten? (?:sie|es|das|die|der|ihr)",
        (
            r"(?:sie|du|er|kunde|kundin|fahrer|paketdienst) (?:\w+ )?(?:schrieben|schreiben|sagten|sagte"
            r"|sagen|haben (?:gefragt|geschrieben|gesagt|erwähnt)|fragten|erwähnten|meinten|behaupten"
            r"|baten)"
        ),
        r"(?:schrieben|schreiben|sagten|fragten|erwähnten) sie",
        r"laut",
        r"angeblich",
        r"wurde (?:mir|uns|ihnen) (?:gesagt|versprochen)",
        r"ab \d+(?:,\d\d)? ?(?:€|euro)",
        r"bestellungen",
        r"erstattungen",
        r"haben sie (?:gefragt|geschrieben|gesagt|erwähnt)",
    ),
    hedged=words(
        r"nicht",
        r"kein\w*",
        r"nie",
        r"niemals",
        r"niemand",
        r"weder",
        r"leider",
        r"ohne(?! weiteres| umwege| verzögerung)",
        r"würden?",
        r"könnten?",
        r"möchten?(?! (?:ich|wir) ihnen)",
        r"dürfen",
        r"dürften?",
        r"vielleicht",
        r"eventuell",
        r"möglicherweise",
        r"möglich",
        r"hoffe\w*",
        r"hoffentlich",
        r"versuch\w*",
        r"bemühe\w*",
        r"gern[e]? würden?",
        r"wollten?",
        r"hatten? (?:ich|wir|ihnen|sie)",
        r"eigentlich",
        r"(?:grundsätzlich|stets|immer nur|generell|prinzipiell)",
        r"für sie da",
        r"(?:ausreichen|reichen|reicht|genügen|genügt)",
        r"(?:ziehe|ziehen)(?: [\w-]+){0,4}? um",
        r"newsletter|studierende\w*|mitglieder",
        r"warte[n]?(?: ich| wir)? (?:noch )?auf",
        r"(?:habe|haben|hab)(?: [\w.,-]+){0,8}? (?:bekommen|erhalten|empfangen|verstanden|vergessen|verpasst|gelesen|gesehen|gehört)",
        r"(?:app|dhl|ups|dpd|hermes|tracking|sendungsverfolgung|paketdienst|system|bote) (?:sagt|zeigt|meldet|gibt|behauptet)",
        r"(?:brauche|brauchen|benötige|benötigen|braucht)",
        r"(?:ich weiß|wir wissen),? (?:dass|wie)",
        r"(?:schön|gut|toll|prima|super|fein),? dass",
        r"fällig",
        r"(?:vertrag|abo|garantie|angebot)(?: [\w-]+){0,2}? (?:läuft|gilt|steht|endet)",
        r"müssten?",
        r"läuft(?: [\w-]+){0,4}? ab",
        r"hätten?",
        r"wären?",
        r"sollten?(?= (?:sie|ich|wir) )",
        r"unsicher",
        r"bezweifle\w*",
        r"können",
        r"kann",
        r"müssen",
        r"müsste\w*",
        r"bitte",
        r"nach möglichkeit",
        r"(?:vielen|herzlichen|besten)? ?dank für",
        r"danke für",
        r"abgelaufen",
        r"endet",
        r"enden",
        r"tut (?:mir|uns) (?:sehr )?leid",
        r"schade",
        r"verstehe\w*, dass",
        r"daumen",
        r"mit etwas glück",
        (
            r"(?:ist|sind)(?: [\w-]+){0,8}? (?:eingegangen|angekommen|eingetroffen|gekommen|zurückgekommen"
            r"|gescheitert)"
        ),
        r"feiertag",
        r"geschlossen",
        r"(?:im|in) urlaub",
        r"beträgt",
        r"hat(?: [\w.-]+){0,8}? (?:verlassen|angetroffen|versucht)",
        r"rufen sie",
        r"melden sie sich",
        r"schreiben sie",
        r"geben sie",
        r"senden sie",
        r"schicken sie",
    ),
    trigger=words(r"sobald", r"nach (?:erhalt|eingang|rückerhalt)", r"wenn (?:ich|wir) (?:etwas|mehr|neues|antwort)"),
    complement=words(
        r"(?:prüfen?|klären?|heraus\w*|nachsehen|frage\w*|nachfragen|ihnen|untersuch\w*|ermitteln?),? (?:warum|was|wie|wo|weshalb|wer|wieso)\b[^;]*",
        r"(?:bescheid|mitteilen|sagen|klären|prüfen?|nach|schreiben|wissen|informiere\w*)(?: sie"
        r"| ihnen)?,? (?:ob|wann|wenn)",
    ),
    estimate=words(
        rf"{_THING}(?: \w+)? sollten?",
        r"voraussichtlich",
        r"wohl",
        r"vermutlich",
        r"wahrscheinlich",
        r"(?:ist|sind|werden|wird)(?: \S+){0,3}? in der regel",
        r"in der regel",
        r"normalerweise",
        r"üblicherweise",
        r"(?:ich|wir) (?:erwarten?|rechnen?|gehe[n]? davon aus)",
        r"(?:rechnen?|erwarten?) (?:ich|wir)",
        r"(?:ist|sind) (?:für \S+ )?geplant",
        r"dürfte",
    ),
    update=words(
        r"hören wir uns",
        r"sprechen wir uns",
        r"(?:er|sie|mein\w* \w+|unser\w* \w+) (?:möchte|will|wird) sie(?: [\w-]+){0,4}? (?:anrufen|sprechen|kontaktieren)",
        r"haben sie(?: [\w-]+){0,4}? (?:antwort|rückmeldung|nachricht|bescheid)",
        r"sie haben(?: [\w-]+){0,4}? (?:antwort|rückmeldung|nachricht|bescheid)",
        rf"{_US} (?:{_HEAR})",
        rf"(?:und|,) (?:{_HEAR_I})",
        rf"(?:{_HEAR_I})",
        (
            rf"(?:melde|rufe|schreibe|gebe|halte|melden|rufen|schreiben|geben"
            rf"|halten) {_US}(?=.{{0,80}}(?:mich|uns|ihnen|sie|an|bescheid|auf dem laufenden))"
        ),
        rf"{_US} werden?(?: [\w,'-]+){{0,10}}? (?:{_HEAR_END})",
        rf"werden? {_US}(?: [\w,'-]+){{0,10}}? (?:{_HEAR_END})",
        r"(?:sie hören|hören sie)(?: [\w-]+){0,6}? von (?:mir|uns)",
        (
            r"(?:sie )?(?:erhalten|bekommen) (?:sie )?(?:[\w-]+ ){0,5}?(?:eine (?:antwort|rückmeldung"
            r"|nachricht)|antwort|rückmeldung|bescheid|nachricht)"
        ),
        rf"{_ONE_OF_US} (?:ruft|meldet|schreibt|kontaktiert|informiert)(?: [\w-]+){{0,5}}",
        rf"{_ONE_OF_US} wird(?: [\w-]+){{0,6}}? (?:{_HEAR_END})",
    ),
    firm=words(
        r"(?:ich lasse|wir lassen|lasse ich|lassen wir)",
        r"(?:wir sind|ich bin|bin|sind) (?:schon |bereits )?(?:dran|an der sache)",
        r"(?:ich )?(?:schaue|sehe|gucke|schau)(?: ich)? (?:mir|es|das)\b",
        r"(?:wir )?(?:schauen|sehen)(?: wir)? (?:uns|es|das)(?: [\w-]+){0,5}? an",
        r"(?:ich )?(?:kümmer|klär|prüf|mach|regel|erledig|schick)e? (?:mich|das|es|ihnen)",
        rf"{_US} (?:{_ACT})",
        rf"(?:{_ACT}) {_US}",
        rf"{_US} werden?(?: [\w,.%€'-]+){{0,12}}? (?:{_INFINITIVE})",
        rf"werden? {_US}(?: [\w,.%€'-]+){{0,12}}? (?:{_INFINITIVE})",
        rf"{_THING} wird(?: [\w.,-]+){{0,8}}? (?:{_PARTICIPLE})",
        rf"{_THING} werden(?: [\w.,-]+){{0,8}}? (?:{_PARTICIPLE})",
        rf"dass {_US}(?: [\w,.%€'-]+){{0,10}}? (?:{_ACT}|{_INFINITIVE}|werde|werden)",
        r"verspreche ich",
        r"versprechen wir",
    ),
    dated=words(
        _SCHEDULED,
        r"ich (?!habe|hatte|hätte|wurde|würde|konnte|könnte|wollte|musste|müsste|sollte|möchte|danke|bitte|verstehe|hoffe|freue|denke|glaube|sehe|kenne|arbeite|bedaure)\w+(?<!t)e",
        r"(?!habe|hatte|hätte|wurde|würde|konnte|könnte|wollte|musste|müsste|sollte|möchte|danke|bitte|verstehe|hoffe|freue|denke|glaube|sehe|kenne|arbeite|bedaure)\w+(?<!t)e ich",
        rf"{_US} werden?(?: [\w,.%€'-]+){{0,12}}? (?!sein|haben|bleiben|können|müssen)\w+e?n",
        rf"{_THING} wird(?: [\w.,-]+){{0,8}}? \w*ge\w+[tn]",
        r"(?:sie|du) (?:erhalten|bekommen|erhältst|bekommst)",
        r"(?:erhalten|bekommen|haben) sie",
        (
            rf"(?:{_ONE_OF_US}|{_THING}) (?:kommt|geht|ist|sind|wird|werden|trifft|steht|verlässt|liegt"
            rf"|erreicht|repariert|liefert|holt|bringt)"
        ),
        r"(?:ist|wird|sind) (?:das|es|alles|die|der|ihr\w*|unser\w*)",
        (
            r"(?:geht|kommt|verlässt|erreicht|trifft|liegt|steht|startet|erfolgt|haben|bekommen"
            r"|erhalten) (?:das|die|der|ihr\w*|es|unser\w*|sie|mein\w*)"
        ),
    ),
    done=words(
        rf"(?:ich|wir) haben?(?: [\w,.'-]+){{0,8}}? (?:{_PARTICIPLE})",
        rf"^hab(?:e|en)?(?: [\w,.'-]+){{0,8}}? (?:{_PARTICIPLE})",
        r"^(?:das |es |alles )?(?:ist |wurde )?(?:schon |bereits |alles )?(?:erledigt|behoben|korrigiert|geklärt)",
        rf"haben? (?:ich|wir)(?: [\w,.'-]+){{0,8}}? (?:{_PARTICIPLE})",
        rf"(?:wurde|worden|ist)(?: [\w-]+){{0,4}}? (?:{_PARTICIPLE})(?: worden)?",
    ),
    giving=words(
        r"geh(?:t|en) zurück",
        r"in ihrem konto",
        rf"{_US} (?:{_ACT}|schenken?|bieten?|gewähren?|schreiben?|legen?|spendiere\w*)",
        rf"(?:{_ACT}|schenken?|bieten?|gewähren?|liefern) {_US}",
        rf"{_US} werden?",
        rf"werden? {_US}",
        r"(?:sie )?(?:erhalten|bekommen)(?: sie)?",
        r"anbei",
        r"hier ist",
        r"hier sind",
        r"finden sie",
        r"wird(?: [\w-]+){0,5}? (?:erstattet|gutgeschrieben|ersetzt)",
        r"werden(?: [\w-]+){0,5}? (?:erstattet|gutgeschrieben|ersetzt)",
        r"möchten? (?:ich|wir) ihnen",
        r"übernehmen (?:\w+ )?wir",
        r"übernehme (?:\w+ )?ich",
        r"geht ihnen",
        r"ist für sie",
        r"verlässt",
        r"geht (?:heute|morgen|am)",
        r"(?:liegt|liegen) bei",
        r"als (?:entschuldigung|dankeschön|wiedergutmachung|zeichen|kleine\w*)",
        r"geh(?:t|en)(?: \w+)? (?:auf|zu) (?:uns|unsere)\w*",
        r"(?:ist|sind|liegt|landet|haben sie)(?: [\w.-]+){0,6}? (?:wieder )?auf (?:ihrem|dem) konto",
        r"(?:legen|legt|lege|geben|packen) (?:ich |wir )?(?:[\w.,€-]+ ){0,5}?(?:dazu|bei|drauf)",
        r"entgegen",
        r"auf unsere kosten",
        r"(?:ist|sind) (?:für sie )?(?:kostenlos|kostenfrei|versandkostenfrei|gratis)",
    ),
    given=words(
        r"hab(?:e|en|t)?(?: [\w,.%€'-]+){0,9}? (?:angestoßen|eingeleitet|ausgelöst|angewiesen|raus|auf den weg gebracht)",
        rf"^hab(?:e|en)?(?: [\w,.%€'-]+){{0,9}}? (?:{_PARTICIPLE})",
        r"(?:erstattung|rückzahlung|gutschrift|rückerstattung|geld|ersatz)(?: [\w-]+){0,3}? (?:ist|sind) (?:schon |bereits |heute )?(?:raus|veranlasst|unterwegs|durch)",
        r"(?:ist|sind)(?: [\w.-]+){0,8}? unterwegs",
        rf"haben?(?: [\w,.%€'-]+){{0,9}}? (?:{_PARTICIPLE}|geschenkt|gegeben|erlassen|beigelegt)",
        rf"(?:wurden?|worden|ist|sind)(?: [\w-]+){{0,4}}? (?:{_PARTICIPLE})",
        r"(?:ist|sind) (?:bereits |schon )?unterwegs",
    ),
    gifts=(
        ("gift-card", words(r"geschenk(?:gut)?(?:karten?|scheine?)", r"geschenkgutscheine?s?")),
        (
            "free-shipping",
            words(
                r"versandkostenfrei\w*",
                r"portofrei\w*",
                r"kostenlose[rnms]? (?:versand|lieferung)",
                r"gratisversand",
                r"ohne versandkosten",
                r"versandkosten(?: [\w-]+){0,3}? (?:übernehmen|erlassen|entfallen)",
                r"versandkosten(?: [\w-]+){0,4}? (?:gehen|geht|trag\w*)",
                r"(?:übernehme|übernehmen|erlasse|erlassen)(?: [\w-]+){0,3}? (?:die )?versandkosten",
            ),
        ),
        (
            "replacement",
            words(
                r"als ersatz",
                r"(?:einen |den )?ersatz(?:gerät|lieferung|artikel|produkt|exemplar|ware|sendung)?",
                r"(?:kostenlos|kostenfrei|gratis) (?:ein|eine|einen) neue[sn]?",
                r"(?:ein|eine|einen) neue[sn]? \w+ (?:kostenlos|kostenfrei|gratis)",
                (
                    r"(?:kostenlos|kostenfrei|gratis)(?: [\w-]+){0,4}? (?:ersetzt|ersetzen|ausgetauscht"
                    r"|austauschen|umtauschen)"
                ),
            ),
        ),
        (
            "coupon",
            words(
                r"\d{1,2}(?:,\d)? ?(?:%|prozent)(?= (?:rabatt|nachlass|ermäßigung|auf|preisnachlass))",
                r"rabatt\w*",
                r"nachlass",
                r"(?<!geschenk)gutschein(?:e|s|code)?",
            ),
        ),
        (
            "refund",
            words(
                r"zurück auf ihr",
                r"\w*erstatt(?:e|en|et|ung|ungen)",
                r"rückzahlung(?:en)?",
                r"(?:geld|betrag|summe|€|euro)(?: [\w.,-]+){0,6}? auf (?:ihrem|ihr|dem) konto",
                r"(?:geld|betrag|summe|versandkosten|kosten|kaufpreis)(?: [\w.,€-]+){0,5}? zurück",
                r"zurück(?:zahlen|überweisen|gezahlt|überwiesen)",
                r"überweis\w+",
                r"(?:porto|kosten|gebühr\w*|betrag) (?:übernehm\w+|begleich\w+)",
                r"zahlen? (?:ich |wir )?(?:ihnen )?(?:[\w.,€-]+ ){0,4}?zurück",
                r"überwiesen",
            ),
        ),
        (
            "credit",
            words(
                r"schreiben? (?:ich |wir )?ihnen [\w .,€]{0,40}gut",
                r"gutgeschrieben",
                r"gutschreiben",
                r"gutschrift",
                r"guthaben",
            ),
        ),
        (
            "gesture",
            words(
                r"kostenlos(?! (?:ab|abgeholt|abholen)\b)",
                r"kostenfrei(?! ab\b)",
                r"gratis",
                r"kulanz\w*",
                r"auf unsere kosten",
            ),
        ),
    ),
    fillers=re.compile(
        r"^(?:[\s,;:–—-]|(?:und|aber|denn|dann|also|außerdem|daher|selbstverständlich"
        r"|natürlich)\b(?=\s+(?:ich|wir|sie|ihr)))+"
    ),
    subject=re.compile(r"(?i)\b(?:ich|wir)\b"),
    carried=re.compile(rf",?\s+und\s+(?=(?:{_ACT}|melde|melden|rufe|rufen)\b)"),
    inverted=re.compile(r"^(\w+) (ich|wir|unser \w+|unsere \w+)\b"),
)
