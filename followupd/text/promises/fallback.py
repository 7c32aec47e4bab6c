"""Hears a commitment in no known turn of phrase: what service speaks of, with a day to come, and nothing that makes it idle.

"Collection is booked for Thursday", "new one Friday", "Ersatz Montag bei Ihnen": agents in a hurry leave out the verb that a
grammar looks for. A clause with a day to come is then taken for a promise when its topic is the service's own, and it
speaks neither of the past, nor of what the customer may or must do, nor of opening hours, prices and rules.
"""

import re
from dataclasses import dataclass
from functools import cache

from followupd.domain.promise import Firmness
from followupd.text.promises.grammar import words

#: a longer clause has a verb, and says more than a promise
_LONGEST = 140


@dataclass(frozen=True)
class Loose:
    """The words of one language: `idle` makes a clause no commitment, the others say what kind it would be.

    `arranged` is done already, and promises the day for which it was done: "I have booked the driver for Thursday".
    """

    idle: re.Pattern[str]
    doubt: re.Pattern[str]
    update: re.Pattern[str]
    topic: re.Pattern[str]
    arranged: re.Pattern[str]

    def heard(self, low: str) -> tuple[Firmness | None, re.Match[str] | None]:
        """Return what kind of commitment a lower-case clause with a day to come is, and the words that make it one."""
        if len(low) > _LONGEST or self.idle.search(low):
            return None, None
        topic = self.topic.search(low)
        update = self.update.search(low)
        if doubt := self.doubt.search(low):
            return (Firmness.ESTIMATE, doubt) if topic or update else (None, None)
        return (Firmness.NEXT_UPDATE, update) if update else (Firmness.FIRM, topic) if topic else (None, None)


@cache
def loose_of(language: str) -> Loose:
    """Return the words of a language, English where we know none."""
    found = _WORDS.get(language, _WORDS["en"])
    return Loose(*(words(*patterns) for patterns in found))


_ENGLISH = (
    (
        # the past
        (
            r"was|were|had|did|didn't|hasn't|haven't|began|started|left|went|came|took|made|told|paid|tried|wrote|bought|said|thought"
            r"|saw|heard|knew|missed|supposed|gave|sent (?:it|this|you|them)|should(?:'ve| have)"
        ),
        (
            r"(?<!be\s)(?<!been\s)(?<!is\s)(?<!are\s)(?<!'s\s)(?<!'re\s)(?<!now\s)(?<!'ve\s)(?<!have\s)(?<!gets\s)(?<!it\s)(?<!get\s)(?!need|speed|proceed|feed|confirmed)\w{3,}ed"
            r"(?! (?:for|in|on|with) )"
        ),
        # what the customer does
        (
            r"please|kindly|let (?:me|us) know|you (?:can|may|could|need|must|should|have (?:until|till|to|up to)|want|are free|would|mention|ask)\w*"
            r"|you(?:'ll| will) (?:need|have to|want|find)"
        ),
        r"^(?:send|give us|return|bring|call|reply|answer|choose|tell|keep|remember|note|visit|register|enjoy|take care|good luck|have a|until|till|bye|allow)",
        r"(?:see|speak to|talk to) you|speak (?:soon|tomorrow|then|on)|talk (?:soon|tomorrow|then)|have a (?:good|nice|lovely|great)",
        # opening hours, prices, rules, others
        r"expir\w+|valid|ends?|ending|sales?|offers?|prices?|opens?|reopens?|opening|clos(?:e|es|ing|ed)|holidays?|warrant\w+|deadline|policy",
        r"apolog\w+|sorry|regret|most|people|customers|usually|normally|typically|generally|always|often|every|each|chance|luck\w*|hop\w+",
        r"(?:in|from) (?:the|my|our) (?:office|shop|store)|to the shop|(?:am|be|are) (?:off|out)|on leave|away|busy|full|slow|weather|snow|strike|birthday|wedding|meeting",
        r"thanks?|thank you|glad|great to|if|why|because|since|last|nothing|carrier says|tracking|according|until (?:then|now)|by law|legal\w*|welcome to|can be (?:used|returned|cancelled)",
        r"(?:you|he|she|they|someone|somebody|nobody) (?:mentioned|said|told|wanted?|wants|needs?)",
    ),
    (
        r"aim(?:ing)?|reckon\w*|looks? like|should|probably|likely|expect(?:ed|ing)|estimat\w+|due|eta|around|roughly|target\w*|hopefully|ought",
    ),
    (
        (
            r"updates?|news|answer|word from|hear(?:ing)? (?:back )?from|be in touch|call(?:back)? from|ring you|phone|full story|status|report back"
            r"|give (?:me|us) (?:until|till)|circle back|ping you|back to you|come back with"
        ),
    ),
    (
        (
            r"parcels?|packages?|orders?|deliver\w*|dispatch\w*|shipments?|ship\w*|refund\w*|money|credit\w*|voucher|replacements?|new one|spare|parts?"
            r"|units?|label|invoice|contract|report|statement|tickets?|book(?:ed|ing)|appointment|visit|slot|technician|engineer|fitter|plumber|electrician"
            r"|driver|courier|colleague|collect\w*|pick(?:s|ed)?[ -]?(?:up)?|pickup|repair\w*|fix\w*|install\w*|account|machine|item|everything"
            r"|expect|schedul\w+|ready|resolved|sorted|done|with you|to you|get it|expect it|have it|you it|it (?:round|over|out|up|back|by)|inbox|in the post|bring\w*|drop\w*|goes? out|going out|arriv\w+|you down|you in"
        ),
    ),
    (
        r"(?:have|'ve|has|is|are|been|got)(?: \w+){0,4} (?:scheduled|booked|arranged|pencilled|reserved|moved|slotted|lined up|fixed up|brought forward)",
        r"(?:booked|put|got|pencilled|slotted|entered|scheduled) you (?:in|down)",
        r"(?:asked|told|instructed|requested|got|briefed) (?!you)(?:[\w'-]+ ){0,4}to \w+",
    ),
)

_GERMAN = (
    (
        (
            r"war|waren|hatte\w*|wurden?|worden|kam|kamen|ging|gingen|gab|gaben|begann|fiel|fand|sollten?|wollten?|mussten?|konnten?|hätten?|wäre[n]?"
            r"|hieß|versprach\w*|zugesagt|eigentlich"
        ),
        r"(?:habe|haben|hat|hab|ist|sind)(?: [\w.,-]+){0,10} \w*ge\w+(?:t|en)",
        (
            r"bitte|(?:senden|schicken|geben|rufen|melden|schreiben|teilen|lassen|bringen|halten|nehmen|denken) sie|sie (?:können|müssen|sollten|dürfen"
            r"|möchten|brauchen|wollten|haben bis)|(?:können|müssen|dürfen) sie"
        ),
        r"wochenende|bis (?:bald|dann|dahin)|^bis|schöne\w*|alles gute|viel (?:erfolg|glück)|tschüss",
        (
            r"gilt|gelten|gültig|läuft ab|laufen ab|endet|enden|öffn\w+|geöffnet|schließ\w+|geschlossen|urlaub|büro|feiertag\w*|angebot\w*|preise?|aktion"
            r"|garantie|frist|rabattaktion|erreichbar|hotline|im haus|läuft"
        ),
        (
            r"meist\w*|normalerweise|immer|oft|jede\w*|in der regel|leider|entschuldig\w*|leid|hoff\w*|hoffentlich|glück|dank\w*|freu\w*|wetter|streik"
            r"|geburtstag|hochzeit|nichts|kein\w*|nicht|weil|wenn|falls|ob|seit|letzte\w*|dauer\w*|bestes|versuch\w*|kund\w+|laut|vor (?:montag|dienstag)"
        ),
    ),
    (
        r"wohl|voraussichtlich|wahrscheinlich|vermutlich|dürfte|dürften|etwa|ungefähr|circa|ca|geplant|rechnen?|erwarte\w*|schätz\w*|müsste\w*|peilen",
    ),
    (
        r"rückmeldung|bescheid|antwort|melde\w*|meld|anruf|ruf\w*|nachricht|neuigkeiten|neues|info\w*|hören|sprechen|wissen wir mehr|update",
    ),
    (
        (
            r"paket\w*|liefer\w+|bestellung|sendung|ware|gerät\w*|ersatz\w*|teile?|rechnung|gutschrift|gutgeschrieben|geld|betrag|erstattung|rückzahlung|termin"
            r"|techniker\w*|servicetechniker|monteur\w*|handwerker|fahrer|kurier|kolleg\w+|abholung|holen|reparatur|austausch|versand|es|das|dies|alles"
            r"|raus|fertig|bei ihnen|unterwegs|los|vorbei|erledigt|konto|karte|code|etikett|vertrag|eingeplant|gebucht|bringt|schick\w+|haben sie|da"
        ),
    ),
    (
        r"(?:habe|haben|hab|ist|sind|wurde)(?: [\w.,:-]+){0,10}? (?:eingeplant|gebucht|vereinbart|reserviert|vorgemerkt|angesetzt|verlegt|vorgezogen|organisiert)",
        r"termin (?:steht|ist)",
        r"(?:gebeten|beauftragt|angewiesen|bescheid gesagt)",
    ),
)

_FRENCH = (
    (
        r"étai\w+|avai\w+|avi(?:ons|ez)|devai\w+|aurai(?:t|s)|disi\w+|pensi\w+|fut",
        r"(?:a|ont|avez|ai|avons|est|sont)(?: \w+){0,2} (?!prévu|programm|fixé|convenu|pris|réserv|demandé|confirmé|prêt)\w+(?:é|ée|és|ées|i|is|u|us)",
        r"merci|veuillez|vous (?:pouvez|devez|avez jusqu\w*|pourrez|pourriez|souhaitez)|n'hésitez|dites-\w+|envoyez-\w+|si|s'il|afin",
        r"bon(?:ne)?|à (?:bientôt|très vite|demain|lundi|la semaine)|week-end",
        r"expire\w*|valables?|valide|ouvert\w*|ouvr\w+|ferm\w+|congés?|férié|bureau|soldes|promotion|offre spéciale|prix|garantie|délai",
        (
            r"en général|généralement|souvent|toujours|chaque|désol\w+|excus\w+|regrett\w+|espèr\w+|espér\w+|grève|anniversaire|mariage|client\w*|rien|pas"
            r"|jamais|aucun\w*|car|parce|depuis|derni\w+|possible|mieux|essa\w+|selon"
        ),
    ),
    (
        r"normalement|probablement|sans doute|devrai\w*|prévue?s?|environ|en principe|attendue?s?|estim\w+|vis\w+|comptons|pens\w+",
    ),
    (
        r"réponse|nouvelles|retour|rappel\w*|appel\w*|vous dis|tiens au courant|point|des infos|téléphone|dirai|on se parle",
    ),
    (
        (
            r"colis|livraison|livr\w+|commande|remboursement|argent|virement|avoir|remplacement|pièce|neuf|neuve|étiquette|facture|contrat|rendez-vous"
            r"|technicien\w*|plombier|livreur|chauffeur|coursier|collègue|enlèvement|réparation|intervention|expédi\w+|envo\w+|part|partira|arrive\w*"
            r"|chez vous|compte|prêt\w*|réglé|résolu|l'a(?:urez|vez)|c'est|ça|cela|entrepôt|comptez"
        ),
    ),
    (
        r"(?:ai|avons|a|est|sont|été)(?: \w+){0,4}? (?:programm|planifi|réserv|fix|avanc|organis|convenu|pris)\w*",
        r"rendez-vous (?:\w+ )?(?:pris|fixé|confirmé)",
        r"(?:demandé|dit) (?:à|au|aux) (?:[\w'-]+ ){1,4}(?:de |d')",
    ),
)

_SPANISH = (
    (
        r"era|eran|fue|fueron|estaba\w*|había\w*|tenía\w*|tuvo|debía\w*|salió|llegó|hizo|pasó|dijo|pidió|llamó|cobr\w+|compró|empezó|quedó|pasaría",
        r"(?:ha|han|he|hemos)(?: \w+){0,2} (?!pedido|programado|reservado|previsto|quedado|concertado)\w+(?:ado|ido|to|cho)",
        r"por favor|puede\w*|podrá\w*|debe\w*|tiene (?:que|hasta)|necesit\w+|envíen\w*|mánd\w+|díga\w+|avíse\w+|si|haga\w*",
        r"buen\w*|hasta (?:luego|pronto|mañana|la próxima)|^hasta|fin de semana|feliz",
        r"caduca\w*|válid\w+|vence\w*|abr(?:e|imos|irá)\w*|abiert\w+|cerr\w+|cierr\w+|vacaciones|festivo|oficina|rebajas|oferta|precios?|garantía|plazo",
        (
            r"suel\w+|normalmente|siempre|cada|lament\w+|siento|sentimos|disculp\w+|perdón|esper\w+|ojalá|huelga|cumpleaños|boda|clientes|nada|no|nunca"
            r"|ningun\w*|porque|desde|últim\w+|posible|intent\w+|según|gracias"
        ),
    ),
    (
        r"debería\w*|probablemente|seguramente|previst\w+|calcul\w+|cree\w*|aproximadamente|sobre el|en principio|prev\w+",
    ),
    (r"respuesta|noticias|llam\w+|digo|decimos|aviso|avisamos|novedades|hablamos|contest\w+|informo|actualización",),
    (
        (
            r"paquete|pedido|envío|entrega\w*|reembolso|dinero|transferencia|abono|reemplazo|pieza|nuev\w+|etiqueta|factura|contrato|cita|técnic\w+|fontanero"
            r"|repartidor|mensajero|compañer\w+|recogida|recog\w+|reparación|arregl\w+|sale|salen|llega\w*|lo tien\w+|lo tendrá|list\w+|resuelto|cuenta|en casa"
            r"|almacén|esto|todo|cambio|mand\w+|enví\w+|pas\w+|cuente"
        ),
    ),
    (
        r"(?:he|hemos|ha|está|están|queda|tiene)(?: \w+){0,4}? (?:programad|reservad|concertad|fijad|agendad|adelantad|organizad)[oa]s?",
        r"(?:tiene|tenemos|queda la) cita",
        r"(?:he|hemos) pedido (?:a|al) (?:[\w'-]+ ){1,4}que",
    ),
)

_WORDS = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH}
