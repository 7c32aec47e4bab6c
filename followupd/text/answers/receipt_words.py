"""The words in which customers say that something arrived, or did not; a word that stands nowhere here is unknown.

All languages share one list: an answer of one word tells no language, and none of these words says the opposite of
itself in another one. Letters are lower case and without accents.
"""

from collections.abc import Mapping

from followupd.domain.compensation import Gift


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


YES = _words("yes yep yeah yup", "ja jawohl jep jo", "oui ouais", "si")
NO = _words("no nope nah", "nein nee", "non")
NOT = _words(
    "not never",
    "nicht nie niemals kein keine keinen",
    "pas jamais aucun aucune",
    "nunca tampoco ningun ninguna sin",
)
NOTHING = _words("nothing", "nichts nix", "rien", "nada")
#: words that alone say that it is still to come
WAITING = _words(
    "waiting missing outstanding",
    "warte warten fehlt fehlen ausstehend",
    "attends manque",
    "esperando espero falta",
)
ARRIVED = _words(
    "arrived arrive received receive got gotten get came come reached landed here there account bank card",
    "credited seen appeared show showed shown gone statement sorted",
    "angekommen eingegangen erhalten bekommen gutgeschrieben eingetroffen da hier konto gekommen kam gesehen geklappt",
    "arrive arrivee arrives recu recue recus compte ici la vu parvenu parvenue ordre",
    "llegado llego recibido recibi recibida cuenta aqui esta estan visto tengo recibir devuelto orden",
)
ALL = _words("both everything all", "alles beides beide", "tout tous deux", "todo todos ambos ambas")

#: how each kind is called
KINDS: Mapping[Gift, frozenset[str]] = {
    Gift.REFUND: _words(
        "refund money refunded payment",
        "erstattung geld ruckerstattung ruckzahlung betrag",
        "remboursement argent virement",
        "reembolso dinero devolucion importe",
    ),
    Gift.CREDIT: _words("credit credited", "gutschrift guthaben", "avoir credit", "abono credito saldo"),
    Gift.COUPON: _words(
        "coupon voucher code",
        "gutschein code gutscheincode coupon",
        "bon achat coupon code",
        "cupon vale codigo",
    ),
}

#: words that change nothing in a clause
PLAIN = _words(
    # English
    "a an the it its it's i i've i'm we we've you your my our me us this that these they them has have had did do does is are was",
    "been be am to in on into at of for from by with so yet still now just already today yesterday finally safely",
    "morning afternoon evening night week monday tuesday wednesday thursday friday saturday sunday last earlier ago",
    "being helpful can confirm any sign far until as up back and too also very well good fine through unfortunately sadly sorry afraid up so",
    # German
    "der die das den dem es ich wir ist sind war habe haben hat hab wurde bei mir uns auf meinem meinen mein meine im in am an",
    "gestern heute schon jetzt noch bis immer bisher bislang inzwischen mittlerweile leider auch gut eben gerade montag dienstag",
    "mittwoch donnerstag freitag samstag sonntag morgen vormittag abend worden endlich mehr jetzt schnelle bis",
    # French
    "le la les l' d' m' qu' s' un une c' ce est j' je n' ne nous on a ai avons sur mon ma mes de du des bien hier aujourd'hui",
    "matin soir ce encore toujours deja maintenant malheureusement jour lundi mardi mercredi jeudi vendredi samedi dimanche ete sont",
    # Spanish
    "el la los las lo un una he ha han hemos me nos mi mis en de del ya ayer hoy esta manana aun todavia ahora bien sigo seguimos",
    "lamentablemente desgraciadamente pues dia lunes martes miercoles jueves viernes sabado domingo que",
)
COURTESY = _words(
    "hi hello hey dear thanks thank you cheers many much again great perfect lovely brilliant wonderful help kind best regards",
    "wishes sincerely yours your for very kindly ok okay happy good nice day sorting quick quickly out",
    "hallo liebe lieber guten tag morgen danke vielen vielmals dank besten herzlichen schon fur ihre ihren hilfe und viele grusse",
    "gruss mit freundlichen schone sehr super prima",
    "bonjour merci beaucoup pour votre aide cordialement bonne journee parfait super",
    "hola gracias muchas mil por su ayuda un saludo saludos buenos dias buenas tardes perfecto todo estimada estimado",
)
#: words before which another thought begins
BREAKS = _words(
    "but however although though", "aber jedoch allerdings", "mais cependant", "pero", "and und et y"
)
#: of these, the ones that take something back
CONTRASTS = BREAKS - _words("and und et y")
#: what makes even a plain "not received" say something else
UNLIKE = _words(
    "if when unless until whether mail email e-mail letter message reply answer confirmation invoice receipt parcel package",
    "replacement order call problem worries matter need want sister brother friend",
    "wenn falls ob nachricht brief antwort rechnung paket ersatz bestellung anruf",
    "quand sauf lettre reponse facture colis commande courrier appel",
    "cuando correo carta respuesta factura paquete pedido",
)
