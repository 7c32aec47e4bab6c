"""Spanish phrases for the rules of wording."""

PHRASES: dict[str, tuple[str, ...]] = {
    "apology": (r"lo siento", r"sentimos", r"lamento", r"lamentamos", r"disculpas?", r"perdón", r"disculpe"),
    "thanks": (r"gracias", r"agradec\w+", r"agradezco"),
    "invitation": (r"esper\w+", r"alegr\w+", r"encantad\w+", r"vuelva", r"volver\w*", r"demostr\w+", r"bienvenid\w+", r"placer", r"más fácil", r"otra oportunidad"),
    "non-apology": (
        r"(?:siento|sentimos|lament\w+|disculp\w+)[^.!?:;]{0,30} que (?:usted )?(?:se (?:sienta|sintiera|haya sentido)|lo (?:vea|sienta|perciba)|esté (?:molest|descontent|decepcionad|insatisfech)\w+|piense)",
        r"(?:siento|sentimos|lament\w+|disculpas?|perdón|disculpe)[^.!?:;]{0,60},? (?:si|pero)(?! bien)", r"(?:posible|eventual|cualquier)\w* (?:molestia|inconveniente|inconvenientes|molestias)", r"(?:molestia|inconveniente)s? que (?:esto |ello )?(?:haya|hayan|pueda|pudiera|pudieran)", r"si (?:usted )?se ha (?:sentido|molestado)", r"si (?:le|les) hemos (?:molestado|causado)",
    ),
    "excuse": (
        r"ajen\w+ a (?:nuestra|mi) voluntad", r"fuerza mayor", r"fuera de nuestro control", r"(?:gran|alto|elevado|alta|elevada) (?:volumen|demanda|número de)", r"falta de personal", r"(?:nuestra|la) política (?:de|interna|comercial)", r"son las normas", r"somos humanos", r"(?:estas|esas) cosas (?:pasan|ocurren|suceden)", r"los errores (?:pasan|ocurren)", r"como (?:usted )?(?:puede|podrá|comprenderá) (?:imaginar|comprender|entender)", r"(?:usted )?(?:debe|tiene que) (?:comprender|entender)", r"(?:gracias|agradecemos|rogamos) (?:por |su )?(?:su )?comprensión", r"muy ocupad\w+", r"no (?:es|fue|era|ha sido) (?:nuestra|mi|culpa nuestra)(?: culpa)?", r"no podíamos hacer nada",
    ),
    "blame": (
        r"(?:usted )?(?:debería|debió|tendría que|podría) haber", r"(?:usted )?(?:olvidó|omitió|ignoró|no leyó|no indicó|no comprobó|no siguió|malinterpretó)", r"su (?:propi[oa] )?(?:culpa|error|negligencia|descuido|malentendido)", r"como ya (?:le|les) (?:hemos|he|habíamos|había|dijimos|dije|explicamos|expliqué|informamos)", r"usted (?:afirma|alega|pretende)", r"si (?:usted )?hubiera (?:leído|dicho|indicado|comprobado|seguido)", r"supuestamente", r"supuest[oa]s? (?:error|fallo|avería)",
    ),
    "passive": (
        r"se (?:ha producido|produjo|ha cometido|cometió|cometieron|han cometido) (?:un |una |algunos |varios )?(?:\w+ )?(?:error|errores|fallo|fallos|malentendido|confusión|descuido)", r"(?:ha habido|hubo|hay) (?:un |una |algún )?(?:\w+ )?(?:error|errores|fallo|malentendido|confusión|descuido)", r"(?:fue|fueron|ha sido|han sido) (?:olvidad|pasad)\w+", r"parece (?:ser )?que", r"algo (?:salió|ha salido) mal", r"se nos (?:pasó|olvidó)",
    ),
    "over-promise": (
        r"(?:le |les )?garantiz(?:o|amos|aremos|aré)", r"garantizado", r"nunca más", r"nunca (?:volverá|volverán)", r"no (?:volverá|va a volver) a (?:ocurrir|pasar|suceder|repetirse)", r"jamás (?:volverá|ocurrirá|pasará)", r"(?:100|cien) ?(?:%|por ?ciento)(?! (?:de|del|algodón|lana|reciclado))", r"sin falta", r"pase lo que pase", r"a toda costa", r"(?:absolutamente|completamente|totalmente) segur\w+", r"(?:le |les )?juro", r"con toda seguridad", r"siempre (?:llegará|llegarán|puntual)",
    ),
    "over-promise-unless": (r"no (?:le |se )?(?:puedo|podemos|puede) (?:\w+ )?(?:prometer|garantizar)", r"nadie puede (?:\w+ )?(?:prometer|garantizar)"),
    "contact-us": (
        r"(?:por favor,? )?(?:póngase|pónganse) en contacto con", r"(?:por favor,? )(?:contacte|llame|llámenos|escríbanos|contáctenos)", r"contáctenos", r"no dude en", r"contacte con (?:nosotros|nuestro|el)", r"para (?:cualquier|más|mayor) (?:consulta|pregunta|información|duda)", r"diríjase a (?:nuestro|el|la)",
    ),
    "sympathy": (r"(?:lo )?(?:siento|sentimos|lamento) (?:\w+ )?por usted", r"pobre(?: de usted| cliente)", r"qué (?:pena|lástima)", r"(?:debe|debió) de? ?(?:haber sido|ser) (?:\w+ )?(?:horrible|terrible|espantos\w+)", r"(?:sé|sabemos|entiendo|comprendo|entendemos|comprendemos)(?: \w+){0,2} cómo se siente", r"compadec\w+", r"me da(?:n)? (?:usted )?pena"),
    "jargon": (r"(?-i:RMA|SKU|SLA|ETA|KPI|CRM|ERP)", r"(?:primer|segundo|tercer) nivel de soporte", r"número de ticket", r"por la presente", r"adjunto remito", r"susodich\w+", r"antedich\w+", r"a la mayor brevedad", r"en relación a su escrito", r"escalad[oa]s? a", r"back-?office", r"estimado usuario", r"tramitaci[oó]n del expediente"),
    "gift-card": (r"tarjetas?[- ]regalo", r"cheques?[- ]regalo", r"vales?[- ]regalo", r"gift-?cards?"),
    "effort": (r"(?:rellen|complet|cumpliment)\w+ (?:el|nuestro|este|un) (?:\w+ )?formulario", r"a su (?:costa|cargo)", r"(?:usted )?(?:debe|deberá|tiene que|tendrá que) (?:\w+ )?(?:pagar|enviar|devolver|llamar|rellenar|aportar|imprimir|venir|abonar)", r"(?:por favor,? )?(?:envíenos|remítanos|devuélvanos|adjunte|facilítenos)"),
    "not-yet-done": (r"(?:vamos|voy|va|van) a \w+", r"\w+(?:remos|ré|rán|rá)", r"(?:en el futuro|a partir de ahora),? (?:\w+ )?(?:vamos|habrá|será\w*)", r"(?:está|están) previst\w+", r"(?:planeamos|pensamos|estudiamos|intentaremos)"),
}  # fmt: skip
