"""German phrases for the rules of wording."""

PHRASES: dict[str, tuple[str, ...]] = {
    "apology": (r"entschuldig\w*", r"(?:tut|täte|tun) (?:mir|uns) (?:\w+ ){0,2}leid", r"um verzeihung", r"verzeihen sie"),
    "thanks": (r"dank\w*",),
    "invitation": (
        r"hoffe\w*", r"willkommen", r"freu\w*", r"wiederkommen", r"zeigen", r"wiederzusehen", r"leichter (?:zu )?machen", r"noch eine (?:chance|gelegenheit)",
    ),
    "non-apology": (
        r"(?:leid|entschuldig\w*|bedauer\w*)[^.!?:;]{0,40},? (?:dass|wenn|falls) sie (?:das so|sich|so)(?: \w+){0,3} (?:empfinden|empfunden|fühlen|gefühlt|sehen|geärgert|ärgern)",
        r"(?:leid|entschuldigung|entschuldigen|verzeihung)[^.!?:;]{0,60},? (?:falls|wenn|sollte|sollten|aber|jedoch)",
        r"(?:etwaige|eventuelle|mögliche|allfällige)\w* (?:unannehmlichkeit|unannehmlichkeiten|umstände|ärger)", r"(?:falls|wenn|sollten) sie sich (?:\w+ ){0,2}(?:gestört|verletzt|geärgert|benachteiligt)",
        r"unannehmlichkeiten?,? (?:die )?(?:ihnen )?(?:möglicherweise|eventuell|unter umständen)", r"bedauern,? dass sie (?:unzufrieden|enttäuscht|verärgert)",
    ),
    "excuse": (
        r"außerhalb unser\w+ (?:kontrolle|einflusses|einflussbereichs)", r"höhere\w* gewalt", r"(?:hohe[nsrm]?|erhöhte[nsrm]?|große[nsrm]?) (?:anfrage|auftrags|bestell)?aufkommens?s?", r"hohe[nrm]? nachfrage",
        r"personalmangel\w*", r"krankheitsbedingt\w*", r"unsere (?:richtlinien|vorschriften|regeln)", r"(?:so etwas|das) kann (?:schon |ja )?(?:mal |einmal )?(?:passieren|vorkommen)", r"kommt (?:schon |ja )?(?:mal|einmal) vor", r"fehler passieren", r"nur menschen",
        r"wie sie sich (?:sicher |bestimmt )?(?:denken|vorstellen) können", r"sie müssen (?:\w+ )?verstehen", r"haben sie (?:bitte )?verständnis", r"bitte(?:n)? (?:wir )?(?:sie )?um (?:ihr )?verständnis",
        r"(?:viel|sehr) zu tun", r"nicht (?:unsere|meine) schuld", r"können wir (?:leider )?nichts (?:dafür|tun|machen)",
    ),
    "blame": (
        r"sie hätten (?:\w+ ){0,4}(?:sollen|müssen|können)", r"sie haben (?:es )?versäumt", r"ihr\w* (?:eigene\w* )?(?:fehler|schuld|versäumnis|missverständnis|verschulden)",
        r"sie haben (?:\w+ ){0,4}(?:übersehen|missverstanden|vergessen|ignoriert|nicht (?:gelesen|beachtet|angegeben|mitgeteilt|geprüft))", r"wie (?:wir|ich) (?:ihnen )?(?:bereits|schon|mehrfach) \w+",
        r"sie behaupten", r"hätten sie (?:\w+ ){0,3}(?:gelesen|beachtet|gesagt|geprüft|gefragt)", r"angeblich\w*", r"bedienungsfehler\w*",
    ),
    "passive": (
        r"(?:ein|der) (?:\w+ )?(?:fehler|versehen|missverständnis|irrtum) (?:ist |sind )?(?:\w+ ){0,2}(?:passiert|unterlaufen|entstanden|geschehen|aufgetreten)", r"es (?:ist|sind|kam|gab)(?: \w+){0,3} (?:zu )?(?:ein\w* )?(?:fehlern?|versehen|missverständnis\w*|unstimmigkeit\w*|irrtum)",
        r"(?:fehler|irrtümer) (?:wurden|sind) (?:gemacht|passiert|unterlaufen)", r"wurde(?:n)? (?:leider )?(?:übersehen|vergessen|versäumt)", r"es scheint,? (?:dass|als)", r"offenbar ist (?:etwas|da)",
    ),
    "over-promise": (
        r"(?:ich|wir) garantier\w*", r"garantieren (?:wir|ich)", r"garantiert", r"nie(?:mals)? (?:wieder|mehr) (?:vor\w*|passier\w*|gescheh\w*)", r"(?:wird|kommt|soll) (?:so etwas |das |dies )?(?:ganz )?(?:bestimmt |sicher )?(?:nicht|nie|nie wieder|nicht wieder|nie mehr) (?:wieder |mehr )?(?:vor|vorkommen|passieren|geschehen)",
        r"(?:100|hundert) ?(?:%|prozent\w*)(?! (?:baumwolle|wolle|des|der|recycelt|rabatt|saft))", r"auf jeden fall", r"(?:ganz )?(?:bestimmt|sicherlich|definitiv|selbstverständlich) (?:nie|immer|pünktlich)", r"definitiv", r"um jeden preis", r"egal was (?:passiert|kommt)", r"(?:absolut|vollkommen|völlig|ganz) sicher", r"versprechen ihnen,? dass (?:\w+ ){0,6}(?:nie|immer)",
    ),
    "over-promise-unless": (r"(?:nicht|niemand kann|kann niemand|keiner kann) (?:\w+ ){0,3}(?:versprechen|garantieren)", r"(?:versprechen|garantieren) (?:kann|können) (?:\w+ ){0,3}(?:nicht|niemand)"),
    "contact-us": (
        r"(?:bitte )?(?:kontaktieren|rufen|wenden) sie (?:bitte |sich bitte |sich )?(?:uns|an (?:uns|unser\w*)|den kundenservice|unser\w*)", r"(?:melden|wenden) sie sich (?:bitte )?(?:bei|an) (?:uns|unser\w*|den kunden\w*)", r"zögern sie nicht", r"setzen sie sich (?:bitte )?mit (?:uns|unser\w*)", r"für (?:weitere|nähere) (?:fragen|informationen|auskünfte)", r"(?:bei|für) (?:weiteren )?rückfragen",
    ),
    "sympathy": (
        r"sie tun (?:mir|uns) (?:\w+ )?leid", r"mitleid", r"(?:sie )?ärmste[rn]?", r"wie schade", r"(?:muss|müssen) (?:\w+ ){0,4}(?:schrecklich|furchtbar|schlimm|entsetzlich)", r"(?:weiß|verstehe|wissen|verstehen)(?: \w+){0,2},? wie sie sich fühlen", r"mein (?:tiefes )?mitgefühl", r"fühle(?:n)? mit ihnen",
    ),
    "jargon": (
        r"(?-i:RMA|SKU|SLA|ETA|KPI|CRM|ERP|AGB-konform)", r"(?:first|second|third)[- ]level", r"ticketnummer", r"vorgangsnummer", r"hiermit", r"anbei", r"diesbezüglich\w*", r"bezugnehmend", r"in bezug auf ihr schreiben", r"zeitnah\w*", r"eskalier\w*", r"zur kenntnisnahme", r"sachbearbeiter\w*", r"o\.\s?g\.", r"vorgenannte\w*", r"seitens", r"kulanzweise", r"rückabwicklung",
    ),
    "gift-card": (r"geschenk-?(?:gutschein|karte|code)\w*", r"gutscheinkarte\w*", r"gift-?cards?"),
    "effort": (
        r"(?:füllen sie|ausfüllen)(?: \w+){0,4} (?:formular\w*|aus)", r"auf (?:ihre|eigene) kosten", r"zu ihren lasten", r"sie müssen (?:\w+ ){0,5}(?:zahlen|senden|schicken|anrufen|ausfüllen|registrieren|vorbeikommen|einreichen|drucken)", r"(?:bitte )?(?:senden|schicken|reichen) sie (?:uns |mir )?(?:bitte )?(?:den|die|das|ihr\w*|ein\w*)", r"(?:versand|porto)(?:kosten)? (?:tragen|zahlen) sie",
    ),
    "not-yet-done": (r"(?:wir|ich|sie|man|es|das|dies) (?:werden?|wollen|will|wird|planen|möchten|haben vor)", r"(?:wird|werden) (?:\w+ ){0,6}(?:künftig|zukünftig|ab jetzt|demnächst|bald)", r"(?:künftig|zukünftig|in zukunft|demnächst) (?:werden|wird|wollen)", r"(?:ist|sind) geplant", r"arbeiten (?:wir )?daran"),
}  # fmt: skip
