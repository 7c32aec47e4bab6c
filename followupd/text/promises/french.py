"""French: words of time, and how agents promise, grant, hedge and report; the present tense speaks of the future too."""

import re

from followupd.text.promises.grammar import DateWords, Grammar, counted, words

_DATES = DateWords(
    weekdays=counted("lundi, mardi, mercredi, jeudi, vendredi, samedi, dimanche"),
    months=counted(
        "janvier|janv, février|févr, mars, avril, mai, juin, juillet|juil, août, septembre"
        "|sept, octobre|oct, "
        "novembre|nov, décembre|déc",
        start=1,
    ),
    numbers=counted("un|une, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, douze", start=1)
    | {"quinze": 15, "vingt-quatre": 24, "quarante-huit": 48},
    units={
        r"minutes?": "minute",
        r"heures?\s+ouvr(?:ées?|ables?)": "business hour",
        r"heures?": "hour",
        r"h": "hour",
        r"jours?\s+ouvr(?:és?|ables?)": "business day",
        r"jours?": "day",
        r"semaines?": "week",
        r"mois": "month",
    },
    offsets=(
        (
            r"(?:sous|dans|d'ici|en|dans\s+un\s+délai\s+de"
            r"|sous\s+un\s+délai\s+de)\s+(?:les\s+)?(?:prochaine?s\s+)?{n}\s?(?:prochaine?s\s+)?{unit}"
        ),
    ),
    phrases=(
        (r"après-demain", "day+2"),
        (r"demain\s+matin", "tomorrow-morning"),
        (r"demain", "day+1"),
        (r"ce\s+matin", "today-morning"),
        (r"ce\s+midi", "today-noon"),
        (r"cet\s+après-midi", "today-afternoon"),
        (r"ce\s+soir", "today-evening"),
        (r"cette\s+nuit", "today-night"),
        (r"aujourd'hui|dans\s+la\s+journée", "day+0"),
        (r"avant\s+le\s+week-?end", "weekend+0"),
        (r"(?:la\s+)?fin\s+de\s+(?:la\s+)?semaine\s+prochaine", "week+1"),
        (
            (
                r"(?:la\s+)?fin\s+de\s+(?:la|cette)\s+semaine|(?:dans\s+|en\s+)?(?:le\s+courant\s+de\s+la"
                r"|cette)\s+semaine|(?:en\s+)?fin\s+de\s+semaine"
            ),
            "week+0",
        ),
        (r"(?:en\s+)?(?:au\s+)?début\s+de\s+(?:la\s+)?semaine\s+prochaine", "early+1"),
        (r"(?:au\s+)?milieu\s+de\s+(?:la\s+)?semaine\s+prochaine", "mid+1"),
        (r"(?:dans\s+le\s+courant\s+de\s+)?(?:la\s+)?semaine\s+prochaine", "week+1"),
        (r"(?:la\s+)?fin\s+(?:du|de\s+ce)\s+mois|ce\s+mois-ci", "month+0"),
        (r"(?:la\s+)?(?:fin\s+du\s+)?(?:le\s+)?mois\s+prochain", "month+1"),
        (r"(?:avant|pour|d'ici(?:\s+à)?)\s+noël", "christmas"),
        (r"midi", "noon"),
        (r"minuit", "night"),
        (r"(?:au\s+|dans\s+la\s+)?matin(?:ée)?", "morning"),
        (r"(?:dans\s+l')?après-midi", "afternoon"),
        (r"(?:au\s+|en\s+|dans\s+la\s+)?soir(?:ée)?", "evening"),
        (r"(?:la\s+)?fin\s+de\s+(?:la\s+)?journée", "close"),
    ),
    clock=r"(?P<h>\d{1,2})\s?(?:h(?:eures?)?\b(?!\s*(?:ouvr|sur))\s?|h(?=\d)|:(?=\d))(?P<m>\d{2})?\b",
    to="à|ou",
    through="au|à|-|–",
    lead=(
        r"d'ici|d'ici\s+à|avant|pour|dès|jusqu'à|jusqu'au|au\s+plus\s+tard|à|le|la|ce|au|en|vers|dans"
        r"|pendant"
    ),
    strong=r"d'ici|avant|au\s+plus\s+tard|dès|pour",
    before=r"avant",
    trail=r"au\s+plus\s+tard|au\s+maximum",
    glue=r",|à|à\s+partir\s+de|au|avant|le|,?\s*le|dans\s+l'|en|vers|t",
    past_before=(
        r"du|de|depuis|dernier|dernière|passé|commandé(?:\s+le)?|débitée?(?:\s+le)?|(?:commandé|reçu"
        r"|écrit|appelé)"
    ),
    past_after=r"derni(?:er|ère)|passée?",
    this_weekday=r"(?:ce|le)\s+",
)

_MID = r"(?: [\w'%€.,-]+){0,3}?"
_STEM = (
    "enver|renver|expédier|expédi|livrer|rembourser|créditer|remplacer|échanger|réparer|corriger"
    "|annuler|transmettr|transférer|vérifier"
    "|examiner|traiter|règler|régler|résoudr|organiser|planifier|prendr|fer|commander|vir|verser"
    "|mettr|passer|occuper|demander"
    "|rétablir|réactiver|débloquer|prolonger|installer|récupérer|procéder|établir|effectuer"
    "|rappeler|enquêter|chercher|recréditer|adresser|restituer|ajouter|relancer|saisir|mener"
    "|étudier|analyser|supprimer|modifier|ouvrir|reprogrammer|avancer|veiller|prolonger|reverser"
    "|fournir|donner|joindr|préparer|déposer|apporter|clarifier"
)
_PRESENT = (
    "envoie|envoyons|renvoie|renvoyons|expédie|expédions|livre|livrons|rembourse|remboursons"
    "|crédite|créditons|remplace|remplaçons|échange"
    "|échangeons|répare|réparons|corrige|corrigeons|annule|annulons|transmets|transmettons"
    "|transfère|vérifie|vérifions|examine|examinons"
    "|traite|traitons|règle|réglons|occupe|occupons|organise|organisons|engage|engageons|promets"
    "|promettons|procède|procédons|demande|demandons|fais|faisons|commande|commandons|relance"
    "|relançons|ouvre|ouvrons|transfère|transférons|lance|lançons|prépare|préparons|adresse"
    "|adressons|ajoute|ajoutons|mets|mettons|prends|prenons|regarde|regardons|verse|versons"
    "|étudie|étudions"
)
_INFINITIVE = (
    "envoyer|renvoyer|expédier|livrer|rembourser|créditer|remplacer|échanger|réparer|corriger"
    "|annuler|transmettre|transférer|vérifier|examiner"
    "|traiter|régler|résoudre|organiser|planifier|prendre|faire|commander|verser|mettre|occuper"
    "|demander|rétablir|réactiver|débloquer|prolonger"
    "|installer|récupérer|procéder|établir|effectuer|enquêter|chercher|adresser|mener|restituer"
    "|ajouter|relancer|étudier|analyser|supprimer|modifier|ouvrir|reprogrammer|avancer|veiller"
    "|reverser|fournir|préparer|déposer|apporter|lancer|voir|regarder"
)
_PARTICIPLE = (
    "envoyée?s?|renvoyée?s?|expédiée?s?|livrée?s?|remboursée?s?|créditée?s?|remplacée?s?"
    "|échangée?s?|réparée?s?|corrigée?s?|annulée?s?|transmise?s?|effectuée?s?"
    "|traitée?s?|réglée?s?|résolue?s?|commandée?s?|versée?s?|rétablie?s?|réactivée?s?"
    "|débloquée?s?|prolongée?s?|installée?s?|émise?s?|offerte?s?|modifiée?s?|recréditée?s?"
    "|ajoutée?s?|restituée?s?|mise?s? à jour|débloquée?s?|programmée?s?|relancée?s?|adressée?s?"
    "|supprimée?s?|reversée?s?|virée?s?"
)
_PRONOUN = r"(?:(?:vous|m'en|nous en|en|le|la|les|lui|m'|nous|y|m'y) ?){0,3}"
_ADVERB = (
    r"(?:(?:immédiatement|aussitôt|personnellement|bien sûr|naturellement|également|aussi|donc"
    r"|bien|encore|tout de suite) )?"
)
_JE = rf"(?:je |j'|nous |on ){_PRONOUN}"
_GOING = rf"(?:je vais |nous allons |je viens |nous venons ){_ADVERB}{_PRONOUN}"
_HEAR_STEM = (
    "écrir|répondr|donner une réponse|prendr contact|fer un point|recontacter|joindr|dir|appeler"
    "|rappeler|contacter|recontacter|informer|tiendr|reviendr|donner des nouvelles|préviendr"
)
_HEAR_PRESENT = (
    "écris|écrivons|appelle|appelons|rappelle|rappelons|contacte|contactons|recontacte"
    "|recontactons|tiens|tenons|reviens|revenons|informe|informons|donne (?:des nouvelles"
    "|une réponse)|donnons (?:des nouvelles|une réponse)|réponds|répondons|préviens|prévenons|dis"
    "|disons|confirme|confirmons"
)
_HEAR_INFINITIVE = (
    "écrire|appeler|rappeler|contacter|recontacter|tenir au courant|tenir informée?"
    "|revenir vers vous|informer|donner (?:des nouvelles|une réponse)|prévenir|répondre|joindre"
    "|dire|confirmer"
)
_THING = r"(?:(?:votre|vos|le|la|les|l'|un|une|notre|nos|cela|ce|tout|il|elle) ?(?:[\w'-]+ ){0,5}?)"
_ONE_OF_US = (
    r"(?:(?:mon|ma|notre|nos|le|la|un|une) (?:[\w-]+ )?(?:collègue|responsable|technicienn?e?"
    r"|équipe|conseill\w+|supérieure?|livreur|chauffeur|coursier|service client|transporteur))"
)

FRENCH = Grammar(
    language="fr",
    dates=_DATES,
    clause=re.compile(
        r"(?:,|;|:)?\s+(?:et|mais|donc|puis|car)\s+(?=(?:je|j'|nous|il|elle|votre|notre|le|la"
        r"|les)(?:\b|')|vous (?:aurez|avez|recevrez|serez|êtes|pouvez|devez|pourrez))|\s;\s|;\s"
        r"|\s[–—-]\s|\s?:\s|,\s+(?=(?:je|nous)\s|j')"
    ),
    unreal=words(
        r"si",
        r"s'il",
        r"s'ils",
        r"au cas où",
        r"à condition",
        r"sauf",
        r"sinon",
        r"à moins",
        r"pourvu",
        r"tant que",
        (
            r"(?:vous|il|elle|ils|client\w*|transporteur|livreur)(?: m'| nous)? ?(?:écrivez|écriviez"
            r"|avez (?:écrit|demandé|dit|indiqué|mentionné)|disiez|dites|demandez|demandiez|a dit|a écrit"
            r"|indiquez|mentionnez|affirmez|pensiez)"
        ),
        r"selon",
        r"d'après",
        r"on m'a dit",
        r"on vous a (?:dit|promis)",
        r"les commandes passées",
        r"les remboursements",
        r"à partir de \d+",
        r"dès \d+(?:,\d\d)? ?(?:€|euros)",
    ),
    hedged=words(
        r"ne",
        r"n'\w+",
        r"pas",
        r"jamais",
        r"aucune?",
        r"malheureusement",
        r"impossible",
        r"ni",
        r"pourr(?:ais|ait|iez|ions|aient)",
        r"pourriez",
        r"devrions",
        r"aurions",
        r"aurais",
        r"aurait",
        r"voudr(?:ais|ions|iez)(?! vous offrir)",
        r"aimer(?:ais|ions)(?! vous offrir)",
        r"souhait\w+",
        r"peut-être",
        r"éventuellement",
        r"possible",
        r"espère",
        r"espérons",
        r"espérant",
        r"essa(?:ie|yons|yer|ierai|ierons)",
        r"tente(?:r|rai|rons)?",
        r"de (?:mon|notre) mieux",
        r"devions",
        r"(?:application|suivi|site|transporteur|système|livreur) (?:indique|affiche|annonce|dit|affirme)",
        r"il (?:me|nous) (?:faut|faudrait)",
        r"(?:avez|ai|avons) besoin",
        r"(?:contrat|abonnement|garantie) (?:court|dure)",
        r"(?:est|sont) dues?",
        r"(?:ravie?s?|contente?s?|heureu\w+) (?:que|de savoir)",
        r"(?:toujours|habituellement|d'habitude)",
        r"(?:newsletter|étudiants|adhérents|abonnés)",
        r"(?:attends|attendons) (?:la|le|les|une|un|encore|toujours)(?= (?:réponse|retour|nouvelle))",
        r"déménag\w+",
        r"avions",
        r"avais",
        r"avait",
        r"serait",
        r"devais",
        r"devait",
        r"doute\w*",
        r"merci (?:de|pour)",
        r"désolée?s?",
        r"regrette\w*",
        r"comprends? que",
        r"expirée?",
        r"(?:peux|pouvons|pouvez|peut|peuvent)",
        r"devez",
        r"devrez",
        r"veuillez",
        r"serai (?:absente?|en congé)",
        r"se termine\w*",
        r"n'hésitez",
        r"fermée?s?",
        r"en congés?",
        r"avec un peu de chance",
        r"croise\w* les doigts",
        r"a eu lieu",
        r"faudra",
        r"depuis",
        r"allions",
        r"allais",
    ),
    trigger=words(
        r"dès que",
        r"dès réception",
        r"aussitôt que",
        r"une fois",
        r"lorsque",
        r"quand",
        r"après réception",
        r"à réception",
    ),
    complement=words(
        r"(?:vérifi\w+|savoir|comprendre|voi[rs]|dire|dirai|dirons|cherch\w+|expliqu\w+|regard\w+|demander\w*)(?: \w+)? (?:pourquoi|comment|où|ce qui|ce que|qui|d'où)\b[^;]*",
        r"(?:dire|dirai|dirons|savoir|vérifier|vérifie|vérifions|voir|demander|confirmer"
        r"|informer)(?: \w+){0,2} (?:si|quand)",
    ),
    estimate=words(
        r"devrai(?:en)?t",
        r"devriez",
        r"(?:est|sont) (?:prévue?s?|attendue?s?|estimée?s?)",
        r"probablement",
        r"sans doute",
        r"normalement",
        r"généralement",
        r"en principe",
        r"(?:je|nous|j') ?(?:pense|pensons|prévois|prévoyons|attends|attendons|estime|estimons)",
        r"en général",
        r"vraisemblablement",
    ),
    update=words(
        rf"on {_PRONOUN}(?:{_HEAR_STEM})a",
        r"je vous (?:dis|fais un retour|donne|reviens)",
        r"(?:on|je|nous) vous f(?:ais|ait|aisons|erai|erons) (?:un|le) (?:retour|point)",
        r"(?:je |nous )vous pass(?:e|ons|erai|erons) un (?:coup de fil|appel)",
        r"vous (?:aurez|recevrez) (?:ma|notre|une|mon|un) (?:\w+ )?(?:réponse|appel|retour|mail|compte rendu)",
        rf"{_JE}(?:{_HEAR_STEM})(?:ai|ons)",
        rf"{_JE}(?:{_HEAR_PRESENT})",
        rf"{_GOING}(?:{_HEAR_INFINITIVE})",
        r"vous (?:aurez|recevrez)(?: [\w-]+){0,4}? (?:nouvelles|réponse)",
        (
            rf"{_ONE_OF_US}(?:, [\w ]+,)? (?:vous |va vous )(?:{_HEAR_STEM}|{_HEAR_PRESENT}"
            rf"|{_HEAR_INFINITIVE})\w*"
        ),
        rf"(?:{_ONE_OF_US}|[a-z]+) (?:prendra|va prendre) contact",
        r"vous (?:serez|êtes) (?:informée?|tenue? au courant|recontactée?)",
        (
            r"et (?:vous (?:donne|donnons|donnerai|donnerons|réponds|répondrai|répondrons|dis|dirai"
            r"|préviens|préviendrai|informe|informerai)|reviens|reviendrai|reviendrons|vous écrirai"
            r"|vous écrirons|vous appelle|vous tiens|vous rappelle)"
        ),
    ),
    firm=words(
        rf"on {_PRONOUN}(?:{_STEM})(?:ra|a)",
        r"(?:je|on) (?:m'en|s'en) (?:occupe|charge)",
        r"(?:je|on|nous) regard(?:e|ons) (?:ça|cela)",
        r"(?:je fais|nous faisons|je vais faire|nous allons faire) (?:vérifier|corriger|réparer|contrôler|envoyer|livrer|remplacer|le nécessaire)",
        rf"{_JE}{_ADVERB}(?:{_STEM})(?:rai|rons|ai|ons)",
        rf"{_JE}(?:{_PRESENT})",
        rf"{_GOING}(?:{_INFINITIVE})",
        (
            r"(?:je m'|nous nous )(?:engage|engageons|occupe|occupons|en occupe|en occupons|en occuperai"
            r"|en occuperons)"
        ),
        rf"{_THING}(?:sera|seront) {_ADVERB}(?:{_PARTICIPLE})",
        r"je vous (?:promets|garantis|assure)",
        rf"vous (?:serez|êtes) {_ADVERB}(?:remboursée?s?|livrée?s?|créditée?s?)",
    ),
    dated=words(
        rf"{_THING}(?: ?vous)? ?(?:partent|sortent|arrivent|reviennent|revient|repartent|aura lieu|auront lieu|part|quittent)",
        rf"{_JE}(?!serai|aurai|pourrai|devrai|serons|aurons|pourrons|devrons|verrai|verrons|saurai|faudra)\w+r(?:ai|ons)",
        rf"{_THING}(?: ?vous)? ?(?!aura|devra|pourra|faudra|durera|expirera|fermera|terminera|restera)\w+ra",
        r"vous (?:recevrez|aurez|obtiendrez|recevez)",
        (
            rf"(?:{_ONE_OF_US}|{_THING})(?: ?vous)? ?(?:partira|partiront|arrivera|arriveront|passera"
            rf"|passeront|sera|seront|viendra|viendront|livrera|part|arrive|passe|est expédiée?|quittera"
            rf"|parviendra|est programmée?|interviendra|va \w+|parviendra|sortira|sort|repart|repartira"
            rf"|quitte|restera|interviendra|devient|redeviendra|récupérera|livre)"
        ),
    ),
    done=words(
        (
            rf"(?:j'ai|nous avons|je vous ai|nous vous avons|je l'ai|nous l'avons) {_ADVERB}(?:déjà "
            rf"|bien )?(?:{_PARTICIPLE})"
        ),
        rf"(?:je viens|nous venons) (?:de |d'){_PRONOUN}(?:{_INFINITIVE})",
        rf"(?:a|ont) (?:bien |déjà |également )?été {_ADVERB}(?:{_PARTICIPLE})",
    ),
    giving=words(
        r"on vous (?:offre|rembourse|envoie|renvoie|crédite|fait|déduit|remplace|accorde)",
        r"(?:sera|seront|est|sont)(?: [\w']+){0,3}? (?:de retour )?sur votre compte",
        r"(?:sera|seront|est|sont) (?:à notre charge|pour nous)",
        r"(?:je |nous )(?:vous )?(?:rends|rendons|rendrai|rendrons)",
        r"(?:je |j'|nous )(?:vous )?(?:déduis|déduisons|déduirai|déduirons)",
        rf"{_JE}(?:{_STEM}|offrir)(?:rai|rons|ai|ons)",
        rf"{_JE}(?:{_PRESENT}|offre|offrons|accorde|accordons|propose|proposons)",
        rf"{_GOING}(?:{_INFINITIVE}|offrir|accorder)",
        r"voici",
        r"voilà",
        r"profitez",
        r"bénéficiez",
        r"acceptez",
        r"recevez",
        r"ci-joint",
        (
            r"vous (?:recevrez|aurez|trouverez|recevez|bénéficiez|bénéficierez|serez remboursée?s?"
            r"|serez créditée?s?)"
        ),
        (
            r"(?:est|sont|sera|seront) (?:offerte?s?|gratuite?s?|remboursée?s?|créditée?s?|restituée?s?"
            r"|reversée?s?|prise?s? en charge)"
        ),
        r"pour nous faire pardonner",
        r"en guise",
        r"à titre",
        r"(?:aimerais|voudrais|aimerions|voudrions) vous offrir",
        r"veuillez trouver",
    ),
    given=words(
        rf"(?:vient|viennent) d'être (?:{_PARTICIPLE})",
        r"(?:je|nous|on) vous (?:ai|avons|a) (?:mis|glissé|laissé|ajouté|crédité|offert|versé|remboursée?|fait)",
        r"(?:remboursement|virement|avoir|colis|remplacement)(?: [\w']+){0,3}? (?:est|sont) (?:bien |déjà )?(?:partie?s?|effectuée?s?|faite?s?|lancée?s?)",
        r"(?:a|ont) été (?:bien |déjà )?(?:envoyée?s?|expédiée?s?)",
        (
            rf"(?:j'ai|nous avons|je vous ai|nous vous avons) {_ADVERB}(?:déjà |bien )?(?:{_PARTICIPLE}"
            rf"|ajoutée?|offert|remis|accordé)"
        ),
        rf"(?:je viens|nous venons) (?:de |d'){_PRONOUN}(?:{_INFINITIVE}|offrir)",
        rf"(?:a|ont) (?:bien |déjà )?été {_ADVERB}(?:{_PARTICIPLE})",
        r"(?:est|sont) (?:déjà |bien )?en (?:route|chemin|cours d'acheminement)",
    ),
    gifts=(
        ("gift-card", words(r"cartes?[ -]cadeaux?", r"chèques?[ -]cadeaux?")),
        (
            "free-shipping",
            words(
                (
                    r"frais de (?:port|livraison|transport)(?:(?: [\w']+){0,5}? (?:sont|seront|est) (?:offerts?"
                    r"|gratuits?|remboursés?|pris en charge))"
                ),
                r"livraison (?:gratuite|offerte)",
                r"livraison(?: [\w']+){0,5}? (?:sera|est) (?:gratuite|offerte)",
                r"frais de (?:port|livraison)(?: [\w']+){0,5}? (?:à notre charge|pour nous)",
                r"(?:offr\w+|prendr\w+ en charge)(?: \w+){0,3}? (?:frais de (?:port|livraison)|livraison)",
            ),
        ),
        (
            "replacement",
            words(
                r"en remplacement",
                r"(?:produit|article|appareil|pièce|modèle|colis|exemplaire) de remplacement",
                r"(?:un |le |votre )remplacement",
                r"gratuitement un (?:nouvel|nouveau|autre) \w+",
                r"un (?:nouvel|nouveau|autre) \w+(?: \w+)? gratuitement",
                r"remplac\w+(?: [\w']+){0,4}? (?:gratuitement|sans frais)",
            ),
        ),
        (
            "coupon",
            words(
                r"\d{1,2}(?:,\d)? ?% (?:de (?:réduction|remise|rabais)|sur (?:votre|la|le|les))",
                r"(?:bons?|codes?) (?:d'achat|de réduction|promo|de remise)",
                r"remise",
                r"réduction",
                r"coupon",
                r"avoir de",
            ),
        ),
        (
            "refund",
            words(
                r"rend(?:ons|s|rons|rai)(?= .{0,24}(?:€|euros|montant|somme))",
                r"rembours\w*",
                r"(?:argent|montant|somme|€|euros?)(?: [\w']+){0,4}? sur votre compte(?! client)",
                r"restitu\w+",
                r"(?:revers|recrédit)\w+",
            ),
        ),
        (
            "credit",
            words(
                r"dédui\w+",
                r"crédit(?:é\w*|er\w*|ons|e)?",
                r"(?:un|votre) avoir",
                r"(?:à|sur) votre (?:compte|cagnotte)",
            ),
        ),
        ("gesture", words(r"geste commercial", r"gratuitement", r"offerte?s?", r"à nos frais")),
    ),
    fillers=re.compile(
        r"^(?:[\s,;:–—-]|(?:et|mais|donc|puis|alors|ainsi|également|bien sûr|aussi)\b(?=\s+(?:je|j'"
        r"|nous|vous|il|elle|votre|notre|le|la|les)))+"
    ),
)
