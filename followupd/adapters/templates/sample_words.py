"""What people say in the sample cases, in each language that has starter letters: a preview reads like a real letter."""

from collections.abc import Mapping

#: by language: words of customers and agents. `short` ones are fragments, as agents write them in a hurry
_ENGLISH = {
    "subject": "Where is the kettle I ordered?",
    "short cause": "wrong label",
    "short resolution": "sent again by courier",
    "short prevention": "labels are scanned twice",
    "short promise": "we find out what happened",
    "issue": "The kettle you ordered on 9 November with express delivery has not arrived, and two mails and a call to us went "
    "unanswered.",
    "impact": "It was a present for your mother's birthday, and you stood there without it.",
    "wants": "the kettle, or the money back",
    "cause": "The address label was printed with the postcode of an earlier customer. The carrier returned the parcel to us, "
    "and our warehouse put it back on the shelf without telling anyone.",
    "resolution": "A new kettle went out by courier on Tuesday and was handed to you in person on Wednesday morning. The "
    "express charge is on its way back to you.",
    "prevention": "Labels are now printed from the order itself, never from the last one. A parcel that comes back opens a "
    "task for the person who sent it, the same day.",
    "promise 1": "send you a new kettle by courier",
    "promise 2": "find out why nobody answered your two mails",
    "promise 3": "book the express charge back to your card",
    "promise 4": "asked the carrier for the parcel's whole history",
    "gesture": "free express delivery on your next order",
    "option 1": "a new kettle of the same kind",
    "option 2": "your money back",
    "late": "the courier's van broke down, and the next one leaves tomorrow morning",
    "story": "Dear sirs,\n\nI ordered the blue kettle on the 9th and paid for express. It is now the 20th, and there is still "
    "no kettle.\nI have written twice and called once, and nobody has got back to me.\n\nIt was meant for my mother's "
    "birthday, which has come and gone. Please tell me where it is, or give me my money back.\n\nKim Doe",
}
_GERMAN = {
    "subject": "Wo bleibt mein Wasserkocher?",
    "short cause": "falsches Etikett",
    "short resolution": "noch einmal per Kurier verschickt",
    "short prevention": "Etiketten werden zweimal gescannt",
    "short promise": "wir finden heraus, was passiert ist",
    "issue": "Der Wasserkocher, den Sie am 9. November per Express bestellt haben, ist nicht angekommen, und auf zwei Mails "
    "und einen Anruf haben wir nicht geantwortet.",
    "impact": "Er war ein Geschenk zum Geburtstag Ihrer Mutter, und Sie standen ohne da.",
    "wants": "den Wasserkocher oder das Geld zurück",
    "cause": "Das Adressetikett wurde mit der Postleitzahl einer früheren Bestellung gedruckt. Der Paketdienst hat uns das "
    "Paket zurückgebracht, und unser Lager hat es ins Regal gestellt, ohne jemandem Bescheid zu geben.",
    "resolution": "Ein neuer Wasserkocher ging am Dienstag per Kurier hinaus und wurde Ihnen am Mittwochvormittag persönlich "
    "übergeben. Der Expresszuschlag ist auf dem Weg zurück zu Ihnen.",
    "prevention": "Etiketten werden jetzt aus der Bestellung selbst gedruckt. Kommt ein Paket zurück, erfährt es noch am "
    "selben Tag, wer es verschickt hat.",
    "promise 1": "Ihnen einen neuen Wasserkocher per Kurier schicken",
    "promise 2": "herausfinden, warum auf Ihre zwei Mails niemand geantwortet hat",
    "promise 3": "den Expresszuschlag auf Ihre Karte zurückbuchen",
    "promise 4": "den Paketdienst nach dem ganzen Weg des Pakets gefragt",
    "gesture": "kostenloser Expressversand für Ihre nächste Bestellung",
    "option 1": "ein neuer Wasserkocher der gleichen Art",
    "option 2": "Ihr Geld zurück",
    "late": "der Wagen des Kuriers ist liegen geblieben, und der nächste fährt morgen früh",
    "story": "Guten Tag,\n\nam 9. habe ich den blauen Wasserkocher bestellt und Express bezahlt. Heute ist der 20., und er ist "
    "immer noch nicht da.\nIch habe zweimal geschrieben und einmal angerufen, und niemand hat sich gemeldet.\n\nEr sollte ein "
    "Geschenk zum Geburtstag meiner Mutter sein, der ist nun vorbei. Bitte sagen Sie mir, wo er ist, oder geben Sie mir mein "
    "Geld zurück.\n\nKim Doe",
}
_FRENCH = {
    "subject": "Où est la bouilloire que j'ai commandée ?",
    "short cause": "mauvaise étiquette",
    "short resolution": "renvoyé par coursier",
    "short prevention": "les étiquettes sont scannées deux fois",
    "short promise": "nous cherchons ce qui s'est passé",
    "issue": "la bouilloire que vous avez commandée le 9 novembre en livraison express n'est pas arrivée, et nous n'avons "
    "répondu ni à vos deux messages ni à votre appel.",
    "impact": "c'était un cadeau pour l'anniversaire de votre mère, et vous étiez là, les mains vides.",
    "wants": "la bouilloire, ou le remboursement",
    "cause": "L'étiquette a été imprimée avec le code postal d'une commande précédente. Le transporteur nous a rapporté le "
    "colis, et notre entrepôt l'a remis en rayon sans prévenir personne.",
    "resolution": "Une nouvelle bouilloire est partie par coursier mardi et vous a été remise en mains propres mercredi matin. "
    "Le supplément express vous est en cours de remboursement.",
    "prevention": "Les étiquettes sont maintenant imprimées à partir de la commande elle-même. Quand un colis revient, la "
    "personne qui l'a expédié le sait le jour même.",
    "promise 1": "vous envoyer une nouvelle bouilloire par coursier",
    "promise 2": "trouver pourquoi personne n'a répondu à vos deux messages",
    "promise 3": "vous rembourser le supplément express sur votre carte",
    "promise 4": "le transporteur a été interrogé sur tout le trajet du colis",
    "gesture": "la livraison express offerte pour votre prochaine commande",
    "option 1": "une nouvelle bouilloire du même modèle",
    "option 2": "le remboursement",
    "late": "la camionnette du coursier est tombée en panne, et la suivante part demain matin",
    "story": "Bonjour,\n\nJ'ai commandé la bouilloire bleue le 9 et payé l'express. Nous sommes le 20, et toujours rien.\nJ'ai "
    "écrit deux fois et appelé une fois, et personne ne m'a répondu.\n\nElle était pour l'anniversaire de ma mère, qui est "
    "passé. Dites-moi où elle est, ou remboursez-moi.\n\nKim Doe",
}
_SPANISH = {
    "subject": "¿Dónde está el hervidor que pedí?",
    "short cause": "etiqueta equivocada",
    "short resolution": "enviado de nuevo por mensajero",
    "short prevention": "las etiquetas se escanean dos veces",
    "short promise": "averiguamos qué ha ocurrido",
    "issue": "el hervidor que pidió el 9 de noviembre con envío urgente no ha llegado, y no contestamos ni a sus dos correos "
    "ni a su llamada.",
    "impact": "era un regalo para el cumpleaños de su madre, y usted se quedó con las manos vacías.",
    "wants": "el hervidor o el dinero",
    "cause": "La etiqueta se imprimió con el código postal de un pedido anterior. El transportista nos devolvió el paquete, y "
    "nuestro almacén lo puso otra vez en la estantería sin avisar a nadie.",
    "resolution": "Un hervidor nuevo salió por mensajero el martes y se le entregó en mano el miércoles por la mañana. El "
    "recargo del envío urgente está en camino a su cuenta.",
    "prevention": "Las etiquetas se imprimen ahora a partir del propio pedido. Cuando vuelve un paquete, lo sabe el mismo día "
    "la persona que lo envió.",
    "promise 1": "enviarle un hervidor nuevo por mensajero",
    "promise 2": "averiguar por qué nadie contestó a sus dos correos",
    "promise 3": "devolverle el recargo del envío urgente a su tarjeta",
    "promise 4": "se ha pedido al transportista el recorrido completo del paquete",
    "gesture": "envío urgente gratuito en su próximo pedido",
    "option 1": "un hervidor nuevo del mismo modelo",
    "option 2": "la devolución del dinero",
    "late": "la furgoneta del mensajero se averió, y la siguiente sale mañana por la mañana",
    "story": "Buenos días:\n\nEl día 9 pedí el hervidor azul y pagué el envío urgente. Hoy es 20, y sigue sin llegar.\nHe "
    "escrito dos veces y he llamado una, y nadie me ha contestado.\n\nEra para el cumpleaños de mi madre, que ya ha pasado. "
    "Díganme dónde está o devuélvanme el dinero.\n\nKim Doe",
}
_WORDS: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH}


def words_in(language: str) -> Mapping[str, str]:
    """Return the samples' words in this language ("de_AT"), else in English."""
    return _WORDS.get(language[:2].lower(), _ENGLISH)
