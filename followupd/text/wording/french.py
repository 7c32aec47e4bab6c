"""French phrases for the rules of wording."""

PHRASES: dict[str, tuple[str, ...]] = {
    "apology": (r"désolée?s?", r"excuses?", r"pardon\w*", r"excuser"),
    "thanks": (r"mercis?", r"remerci\w+"),
    "invitation": (r"espér\w+", r"espoir", r"heureu\w+", r"ravie?s?", r"accueillir", r"reviendrez", r"revoir", r"montrer", r"plaisir", r"plus faciles?", r"bienvenue?"),
    "non-apology": (
        r"(?:désolée?s?|excus\w+|navrée?s?|regrett\w+)[^.!?:;]{0,30} que vous (?:ayez )?(?:(?:le )?(?:preniez|ressentiez|pensiez|perceviez|viviez)|(?:vous )?sentiez|soyez (?:déçu|mécontent|contrarié|insatisfait)|ressenti|mal pris)",
        r"(?:désolée?s?|excus\w+|navrée?s?|pardon)[^.!?:;]{0,60},? (?:si|mais)(?! bien)", r"(?:éventuel|possible)\w* (?:désagrément|gêne|inconvénient|dérangement)s?", r"(?:désagrément|gêne|inconvénient|dérangement)s? (?:éventuel|possible|occasionné)\w*", r"si vous avez (?:été (?:gên|offens|bless|contrari|déç)\w+|pu être)", r"(?:tout|toute|quelque) (?:désagrément|gêne|inconvénient)",
    ),
    "excuse": (
        r"indépendant\w* de notre volonté", r"force majeure", r"hors de notre contrôle", r"(?:forte|grand|gros|important)\w* (?:affluence|demande|nombre de demandes|volume)", r"manque de personnel", r"sous-effectif\w*", r"(?:notre|la) politique (?:de|interne|commerciale)", r"c'est la règle", r"nous ne sommes que des humains", r"l'erreur est humaine", r"(?:cela|ça|ces choses)(?: \w+)? arrivent?", r"comme vous (?:pouvez|pourrez) (?:l'imaginer|le comprendre|vous en douter)", r"vous (?:devez|comprendrez) (?:bien )?(?:comprendre|que)", r"(?:merci|remerci\w+) de votre compréhension", r"très occupée?s?", r"(?:pas|n'est pas|n'était pas) (?:de )?(?:notre|ma) faute", r"n'y (?:pouvons|pouvions|puis) rien",
    ),
    "blame": (
        r"vous auriez (?:dû|pu)", r"vous avez (?:omis|négligé|oublié|mal (?:lu|compris|rempli)|ignoré)", r"votre (?:propre )?(?:faute|erreur|négligence|oubli|malentendu)", r"comme (?:nous|je) (?:vous )?(?:l')?(?:avons|ai|avions|avais) déjà (?:\w+)", r"vous n'avez pas (?:lu|suivi|indiqué|fourni|vérifié|précisé|dit)", r"vous prétendez", r"si vous aviez (?:\w+ )?(?:lu|suivi|dit|vérifié|indiqué)", r"prétendument",
    ),
    "passive": (
        r"une? (?:\w+ )?(?:erreur|malentendu|oubli|confusion) (?:s'est|a été|est|a eu|ont) (?:\w+)", r"des erreurs ont été (?:commises|faites)", r"il y a eu (?:une? |des |quelques )?(?:\w+ )?(?:erreurs?|malentendus?|oublis?|confusions?|problèmes?)", r"il (?:semble|semblerait|apparaît) que", r"(?:a|ont) été (?:oubliée?s?|négligée?s?|omise?s?)", r"quelque chose s'est mal passé",
    ),
    "over-promise": (
        r"(?:je|nous)(?: vous)? garanti\w*", r"garantie? (?:à 100|que|absolue)", r"plus jamais", r"jamais plus", r"ne (?:se )?(?:re)?produira (?:plus|pas|jamais)", r"n'arrivera (?:plus|pas|jamais)", r"(?:100|cent) ?(?:%|pour ?cent)(?! (?:du|de la|des|de votre|coton|laine|recyclé|remboursé))", r"sans faute", r"à coup sûr", r"quoi qu'il (?:arrive|en coûte)", r"à tout prix", r"absolument (?:certaine?s?|sûre?s?)", r"(?:toujours|certainement|assurément) à l'heure", r"(?:je|nous) (?:vous )?jur\w+",
    ),
    "over-promise-unless": (r"(?:ne|n'|personne ne) (?:\w+ ){0,3}(?:peux|pouvons|peut|puis) (?:pas )?(?:\w+ ){0,2}(?:promettre|garantir)",),
    "contact-us": (
        r"(?:veuillez|merci de|prière de|nous vous prions de)(?: bien vouloir)? (?:nous |me )?(?:contacter|appeler|joindre|téléphoner|écrire à|prendre contact)", r"contactez(?:-nous|-moi| notre| le)", r"n'hésitez pas", r"(?:notre|le) service (?:client|clients|clientèle|après-vente) (?:se tient|est|reste)", r"pour (?:toute|plus de|tout) (?:question|information|renseignement|d'information)s?", r"adressez-vous à",
    ),
    "sympathy": (r"(?:suis|sommes) (?:\w+ )?(?:désolée?s?|triste|navrée?s?) pour vous", r"pauvre(?: client| de vous)", r"quel(?:le)? (?:dommage|malheur|pitié)", r"vous (?:avez dû|devez) (?:\w+ )?(?:souffrir|être (?:effondré|anéanti|très malheureu)\w*)", r"(?:sais|savons|comprends|comprenons)(?: \w+){0,2} ce que vous ressentez", r"compati\w+", r"toute ma sympathie", r"j'ai pitié"),
    "jargon": (r"(?-i:RMA|SKU|SLA|ETA|KPI|CRM|ERP|SAV)", r"niveau (?:1|2|3) (?:du support|de support)", r"numéro de ticket", r"par la présente", r"ci-joint\w*", r"susmentionnée?s?", r"dans les meilleurs délais", r"suite à votre (?:courrier|mail|courriel) du", r"process(?:us)? d'escalade", r"escalad\w+", r"impactée?s?", r"back-?office", r"veuillez agréer"),
    "gift-card": (r"cartes?[- ]cadeaux?", r"chèques?[- ]cadeaux?", r"bons?[- ]cadeaux?", r"gift-?cards?"),
    "effort": (r"(?:remplir|remplissez|compléter|complétez) (?:le|notre|ce|un) (?:\w+ )?formulaire", r"à vos frais", r"à votre charge", r"vous (?:devez|devrez) (?:\w+ )?(?:payer|envoyer|renvoyer|appeler|remplir|fournir|imprimer|venir|déposer)", r"(?:veuillez|merci de) (?:nous |me )?(?:envoyer|renvoyer|retourner|fournir|transmettre|joindre|remplir)"),
    "not-yet-done": (r"(?:nous|je|on|ils|elles|cela|il|elle) (?:\w+ )?(?:allons|vais|va|vont|\w+(?:erons|erai|eront|era|irons|irai|iront|ira|drons|drai))", r"(?:sera|seront|aura|auront)", r"à l'avenir,? (?:nous|je|on|les|le|la)", r"(?:est|sont) prévue?s?", r"(?:nous|je) (?:prévoyons|prévois|comptons|compte|étudions|étudie)"),
}  # fmt: skip
