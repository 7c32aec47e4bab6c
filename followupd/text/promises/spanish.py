"""Spanish: words of time, and how agents promise, grant, hedge and report; the verb carries the person."""

import re

from followupd.text.promises.grammar import DateWords, Grammar, counted, words

_DATES = DateWords(
    weekdays=counted("lunes, martes, miércoles, jueves, viernes, sábado, domingo"),
    months=counted(
        "enero|ene, febrero|feb, marzo, abril|abr, mayo, junio, julio, agosto|ago, septiembre"
        "|setiembre|sept, "
        "octubre|oct, noviembre|nov, diciembre|dic",
        start=1,
    ),
    numbers=counted("un|una, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, once, doce", start=1)
    | {"quince": 15, "veinticuatro": 24, "cuarenta y ocho": 48},
    units={
        r"minutos?": "minute",
        r"horas?\s+(?:hábiles|laborables?)": "business hour",
        r"horas?": "hour",
        r"h": "hour",
        r"días?\s+(?:hábil(?:es)?|laborables?)": "business day",
        r"días?": "day",
        r"semanas?": "week",
        r"mes(?:es)?": "month",
    },
    offsets=(
        (
            r"(?:en|dentro\s+de|en\s+el\s+plazo\s+de|en\s+un\s+plazo(?:\s+máximo)?\s+de"
            r"|en\s+menos\s+de)\s+(?:las?\s+|los\s+)?(?:próxim[ao]s\s+)?{n}\s?{unit}"
        ),
    ),
    phrases=(
        (r"pasado\s+mañana", "day+2"),
        (r"mañana\s+por\s+la\s+mañana|mañana\s+a\s+primera\s+hora", "tomorrow-morning"),
        (r"esta\s+mañana", "today-morning"),
        (r"este\s+mediodía", "today-noon"),
        (r"esta\s+tarde", "today-afternoon"),
        (r"esta\s+noche", "today-night"),
        (r"(?:por|de)\s+la\s+mañana", "morning"),
        (r"mañana", "day+1"),
        (r"hoy(?:\s+mismo)?", "day+0"),
        (r"antes\s+del\s+fin\s+de\s+semana", "weekend+0"),
        (r"(?:a\s+)?(?:el\s+)?(?:fin(?:al|ales)?)\s+de\s+la\s+(?:próxima\s+semana|semana\s+que\s+viene)", "week+1"),
        (r"(?:el\s+)?(?:fin(?:al|ales)?)\s+de\s+(?:la|esta)\s+semana|esta\s+(?:misma\s+)?semana", "week+0"),
        (
            (
                r"(?:a\s+)?(?:principios|comienzos|inicios)\s+de\s+la\s+(?:próxima\s+semana"
                r"|semana\s+que\s+viene)"
            ),
            "early+1",
        ),
        (r"(?:a\s+)?mediados\s+de\s+la\s+(?:próxima\s+semana|semana\s+que\s+viene)", "mid+1"),
        (r"(?:la\s+)?próxima\s+semana|la\s+semana\s+(?:que\s+viene|próxima)", "week+1"),
        (r"(?:el\s+)?fin(?:al|ales)?\s+de(?:l)?\s+(?:este\s+)?mes|este\s+mes", "month+0"),
        (r"(?:el\s+)?(?:fin(?:al|ales)?\s+del\s+)?(?:próximo\s+mes|mes\s+que\s+viene)", "month+1"),
        (r"(?:antes\s+de|para)\s+navidad", "christmas"),
        (r"(?:al\s+)?mediodía", "noon"),
        (r"medianoche", "night"),
        (r"(?:por|de)\s+la\s+tarde", "afternoon"),
        (r"(?:por|de)\s+la\s+noche", "evening"),
        (r"(?:al\s+)?(?:el\s+)?(?:final\s+del\s+día|fin\s+de\s+la\s+jornada|final\s+de\s+la\s+jornada)", "close"),
    ),
    clock=(
        r"(?:(?:las?\s+)(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?(?:\s*(?:horas|h))?\b"
        r"|(?P<h2>\d{1,2}):(?P<m2>\d{2})\b)"
    ),
    to="a|o",
    through="a|al|-|–",
    lead=(
        r"antes\s+del?|antes|para|hasta|a\s+más\s+tardar|como\s+muy\s+tarde|el|la|a|al|del|en|sobre"
        r"|hacia|este|día"
    ),
    strong=r"antes\s+del?|antes|para|hasta|a\s+más\s+tardar|como\s+muy\s+tarde",
    before=r"antes\s+del?|antes",
    trail=r"a\s+más\s+tardar|como\s+muy\s+tarde|como\s+máximo",
    glue=r",|a|al|antes\s+de|el|,?\s*el|día|,?\s*día|por|de|que\s+viene|t",
    past_before=r"desde|pasado|(?<!antes )del|último|(?:pidió|cobraron|pagó|escribió|llamó|recibió)(?:\s+el)?",
    past_after=r"pasado|último",
    this_weekday=r"(?:este|próximo)\s+",
)

_CLITIC = r"(?:(?:le|les|te|se lo|se la|se los|se las|lo|la|los|las|me|nos|se) )?"
_STEM = (
    "enviar|reenviar|mandar|expedir|entregar|devolver|reembolsar|abonar|sustituir|reemplazar"
    "|cambiar|reparar|arreglar|corregir|cancelar|anular|tramitar"
    "|investigar|comprobar|revisar|verificar|averiguar|resolver|solucionar|organizar|gestionar"
    "|ocupar|encargar|hablar|pedir|solicitar|reservar|programar"
    "|escalar|trasladar|pasar|restablecer|reactivar|desbloquear|ampliar|prolongar|instalar"
    "|recoger|pagar|ingresar|preguntar|emitir|procesar|completar|retirar|eliminar|añadir"
    "|modificar|actualizar|adelantar|aplazar|reprogramar|abrir|consultar|estudiar|analizar"
    "|aclarar|rectificar|preparar|facilitar|proporcionar|adjuntar|aplicar|dejar|regalar|conceder"
    "|asumir|reclamar|har|pondr|dar"
)
_INFINITIVE = _STEM.replace("|har|pondr|dar", "|hacer|dar|poner")
_PRESENT = (
    "envío|enviamos|mando|mandamos|devuelvo|devolvemos|reembolso(?! (?:de|ha))|reembolsamos"
    "|abonamos|sustituyo|sustituimos|reparamos|corrijo|corregimos|ocupo|ocupamos|encargo"
    "|encargamos|comprometo|comprometemos|gestiono|gestionamos|tramito|tramitamos|reviso"
    "|revisamos|compruebo|comprobamos|prometo|prometemos|hablo con|hablamos con|pido (?!disculpas|perdón)|pedimos (?!disculpas|perdón)|abro"
    "|abrimos|consulto|consultamos|preparo|preparamos|dejo|dejamos|doy|damos|pongo|ponemos|asumo"
    "|asumimos|cambiamos|arreglamos|investigo|investigamos|reclamo|reclamamos"
    "|adjunto|adjuntamos|corrijo|paso(?= (?:el|su|este))"
)
_PARTICIPLE = (
    "enviad[oa]s?|reenviad[oa]s?|mandad[oa]s?|entregad[oa]s?|devuelt[oa]s?|reembolsad[oa]s?"
    "|abonad[oa]s?|sustituid[oa]s?|reemplazad[oa]s?|cambiad[oa]s?|reparad[oa]s?|arreglad[oa]s?"
    "|corregid[oa]s?|cancelad[oa]s?|anulad[oa]s?|tramitad[oa]s?|resuelt[oa]s?|solucionad[oa]s?"
    "|restablecid[oa]s?|reactivad[oa]s?|desbloquead[oa]s?|ampliad[oa]s?|instalad[oa]s?"
    "|emitid[oa]s?|procesad[oa]s?|ingresad[oa]s?|actualizad[oa]s?|restituid[oa]s?|modificad[oa]s?"
    "|añadid[oa]s?|retirad[oa]s?|eliminad[oa]s?|reprogramad[oa]s?|cargad[oa]s?|aplicad[oa]s?"
    "|hecho|puesto|dado|pedido|dejado"
)
_HEAR_FUTURE = (
    r"(?:escribir|llamar|informar|avisar|contactar|mantendr|responder|contestar|confirmar"
    r"|comunicar|contar)(?:é|emos)"
)
_HEAR_INFINITIVE = (
    r"(?:escribir|llamar|informar|avisar|contactar|mantener|responder|contestar|poner"
    r"|confirmar)(?:le|les|te|me|nos)?"
)
_THING = r"(?:(?:su|sus|el|la|los|las|un|una|nuestro|nuestra|esto|todo)(?: [\w-]+){0,5}?)"
_ONE_OF_US = (
    r"(?:(?:mi|nuestro|nuestra|el|la|un|una) (?:compañer[oa]|técnic[oa]|responsable|equipo"
    r"|supervisor\w*|repartidor|mensajero|colega|encargad[oa]|jef[ea]"
    r"|transportista)(?: [\w-]+){0,2}?)"
)

SPANISH = Grammar(
    language="es",
    dates=_DATES,
    clause=re.compile(
        r"(?:,|;|:)?\s+(?:y|e|pero|así que|pues)\s+(?=(?:le|les|te|me|nos|yo|nosotros|usted|su|el|la"
        r"|lo|se)\b)|;\s|\s[–—-]\s|:\s"
    ),
    unreal=words(
        r"si",
        r"en caso de",
        r"siempre que",
        r"salvo",
        r"a menos que",
        r"a condición",
        r"de lo contrario",
        r"mientras",
        (
            r"(?:usted|cliente|él|ella|transportista) (?:me |nos )?(?:escribió|escribe|dijo|dice|preguntó"
            r"|pregunta|mencionó|comentó|afirmó|pidió|indicó)"
        ),
        r"(?:me|nos) (?:escribió|dijo|dice|preguntó|pregunta|mencionó|comentó|indicó)",
        r"según",
        r"le (?:dijeron|prometieron)",
        r"los pedidos realizados",
        r"los reembolsos",
        r"a partir de \d+",
    ),
    hedged=words(
        r"no",
        r"nunca",
        r"jamás",
        r"ningun[oa]?",
        r"nadie",
        r"ni",
        r"tampoco",
        r"lamentablemente",
        r"por desgracia",
        r"imposible",
        r"podr[íi]a\w*",
        r"podríamos",
        r"querr[íi]a\w*",
        r"gustaría(?! (?:ofrecerle|enviarle|devolverle))",
        r"deber[íi]amos",
        r"habría\w*",
        r"haber",
        r"quizás?",
        r"tal vez",
        r"posiblemente",
        r"espero",
        r"(?:aplicación|web|seguimiento|sistema|mensajero|transportista) (?:indica|dice|muestra|afirma)",
        r"necesit\w+",
        r"(?:dura|vence|caduca)",
        r"me alegr\w+",
        r"siempre(?! que)",
        r"habitualmente",
        r"(?:boletín|estudiantes|socios)",
        r"esperando",
        r"mudamos",
        r"ojalá",
        r"ser[íi]an?",
        r"hab[íi]amos",
        r"intent\w+",
        r"trat(?:aré|aremos|ar|amos|o) de",
        r"todo lo posible",
        r"íbamos",
        r"iba",
        r"dudo",
        r"sé",
        r"gracias por",
        r"siento",
        r"sentimos",
        r"lamento",
        r"lamentamos",
        r"por favor",
        r"puedo",
        r"puede",
        r"podemos",
        r"pueden",
        r"tendrá que",
        r"tiene que",
        r"debe",
        r"deberá",
        r"caducado",
        r"termina",
        r"con un poco de suerte",
        r"dedos",
        r"cerrad[oa]s?",
        r"de vacaciones",
        r"(?:mensajero|repartidor|transportista) pasó",
        r"quedo a su",
        r"estamos a su",
        r"no dude",
        r"plazo de entrega es",
        r"entiendo que",
        r"comprendo que",
    ),
    trigger=words(
        r"en cuanto", r"tan pronto como", r"una vez", r"cuando", r"nada más", r"tras (?:recibir|la recepción)"
    ),
    complement=words(
        r"(?:averig\w+|comprob\w+|comprueb\w+|investig\w+|saber|ver|mirar|decirle|explic\w+|revis\w+) (?:por qué|cómo|dónde|qué|quién)\b[^;]*",
        r"(?:decir\w*|diré|diremos|avisaré|avisaremos|informaré|comprobar|compruebo|comprobaremos"
        r"|averiguar|ver|confirmar\w*|preguntar\w*) (?:si|cuándo|cuando)",
    ),
    estimate=words(
        r"deber[íi]an?",
        r"(?:está|están) (?:previst[oa]s?|estimad[oa]s?)",
        r"probablemente",
        r"seguramente",
        r"normalmente",
        r"por lo general",
        r"en principio",
        r"(?:esperamos|prevemos|preveo|calculamos|calculo|creemos|creo)",
        r"se (?:espera|prevé|estima)",
        r"suele",
    ),
    update=words(
        r"le (?:doy|damos|daré|daremos) un toque",
        r"(?:tendrá|recibirá) (?:mi|nuestra|una|la) (?:\w+ )?(?:respuesta|llamada|contestación)",
        r"(?:le |les )(?:vuelvo|volvemos) a (?:llamar|escribir|contactar)",
        rf"{_CLITIC}{_HEAR_FUTURE}",
        r"(?:me|nos) pondr(?:é|emos) en contacto",
        (
            r"(?:le|les|te) (?:digo|decimos|diré|diremos|cuento|contamos|confirmo|confirmamos|respondo"
            r"|contesto|comento|comentamos)"
        ),
        r"(?:vuelvo|volvemos|volveré|volveremos) a (?:escribir|llamar|contactar)\w*",
        r"(?:se pondrá|se va a poner) en contacto",
        rf"(?:voy|vamos) a {_HEAR_INFINITIVE}",
        (
            rf"{_CLITIC}(?:llamo|llamamos|escribo(?! para)|escribimos|mantengo|mantenemos|informo"
            rf"|informamos|aviso|avisamos)"
        ),
        r"tendrá(?: usted)? (?:noticias|una respuesta|respuesta)",
        r"recibirá (?:noticias|una respuesta|respuesta|una llamada)",
        (
            rf"{_ONE_OF_US}(?:, [\w ]+,)? (?:le|les|te) (?:llamará|escribirá|contactará|informará|avisará"
            rf"|responderá)"
        ),
        rf"{_ONE_OF_US} se pondrá en contacto",
        r"(?:le|les) (?:daré|daremos) (?:una respuesta|noticias|novedades)",
    ),
    firm=words(
        r"(?:voy|vamos) a (?:mirar|ver|hacer|pedir|poner|dar|llamar|consultar|hablar)",
        rf"{_CLITIC}(?:{_STEM})(?:é|emos)",
        rf"{_CLITIC}(?:{_PRESENT})",
        rf"(?:voy|vamos) a (?:{_INFINITIVE})(?:le|les|lo|la|los|las|se|selo|sela)?",
        (
            r"(?:me|nos) (?:ocupo|ocupamos|encargo|encargamos|comprometo|comprometemos|ocuparé|ocuparemos"
            r"|encargaré|encargaremos)"
        ),
        rf"{_THING} será(?:n)? (?:{_PARTICIPLE})",
        r"le (?:prometo|aseguro|garantizo)",
    ),
    dated=words(
        rf"{_THING} (?:que [\w]+ )?(?:salen|llegan|van|vuelve|vuelven|entran|quedan)",
        r"(?!estar|ser|podr|tendr|habr|sabr|ver|deber|querr|intentar|tratar)\w+r(?:é|emos)",
        rf"{_THING} (?:se )?(?!durará|terminará|caducará|cerrará|tendrá|podrá|deberá|habrá)\w+rán?",
        r"le (?:mando|mandamos|remito|remitimos|paso|pasamos|llevo|llevamos|hago|hacemos|facilito)",
        r"(?:recibirá|tendrá|obtendrá|recibirán)(?! que)",
        (
            rf"(?:{_ONE_OF_US}|{_THING}) (?:saldrá|saldrán|llegará|llegarán|irá|vendrá|estará|estarán|sale"
            rf"|llega|pasará|visitará|recogerá|quedará|se enviará|se entregará|sale|salen|llega|llegan"
            rf"|le llegará|le llegarán|se instalará|volverá|funcionará|será|serán|va a \w+)"
        ),
        r"(?:quedará|estará) (?:resuelt[oa]|arreglad[oa]|list[oa]|solucionad[oa])",
    ),
    done=words(
        rf"(?:he|hemos) (?:ya )?(?:{_PARTICIPLE})",
        rf"{_CLITIC}(?:he|hemos) (?:{_PARTICIPLE})",
        rf"(?:acabo|acabamos) de (?:{_INFINITIVE})\w*",
        rf"(?:ha|han) sido (?:ya )?(?:{_PARTICIPLE})",
        r"(?:ayer|hoy|esta mañana)(?: mismo)? (?:enviamos|envié|mandamos|corregí|cancelé|devolvimos)",
    ),
    giving=words(
        r"(?:le )?(?:descontaré|descontaremos|descontamos)",
        r"le descuento",
        rf"{_CLITIC}(?:{_STEM}|ofrecer|regalar|conceder)(?:é|emos)",
        rf"{_CLITIC}(?:{_PRESENT}|regalo|regalamos|ofrezco|ofrecemos|concedemos)",
        rf"(?:voy|vamos) a (?:{_INFINITIVE}|ofrecer|regalar)\w*",
        r"aquí (?:tiene|está|van?)",
        r"le dejo",
        r"le dejamos",
        r"disfrute",
        r"acepte",
        r"(?:será|serán|le será|le serán) (?:devuelt|reembolsad|abonad|ingresad|restituid)[oa]s?",
        r"adjunto",
        r"le adjunt\w+",
        r"(?:recibirá|tendrá|obtendrá|tiene)",
        r"(?:será|serán|es|son) (?:gratuit[oa]s?|gratis|reembolsad[oa]s?|abonad[oa]s?)",
        r"como (?:disculpa|compensación|gesto|agradecimiento)",
        r"gustaría (?:ofrecerle|enviarle|devolverle)",
        r"por nuestra cuenta",
        r"corren? (?:de|por) nuestra cuenta",
        r"(?:estará|estarán|está)(?: \w+){0,3}? en (?:su|tu) cuenta",
        r"(?:le|te) (?:hacemos|hago|haremos|haré) un descuento",
        r"invita la casa",
    ),
    given=words(
        r"(?:reembolso|devolución|abono|envío|cambio)(?: \w+){0,3}? (?:ya )?(?:está|están) (?:ya )?(?:hech[oa]s?|tramitad[oa]s?|en marcha|enviad[oa]s?)",
        r"(?:le |les )(?:he|hemos) (?:enviado|mandado)",
        rf"(?:he|hemos) (?:ya )?(?:{_PARTICIPLE}|añadido|regalado|concedido)",
        rf"(?:acabo|acabamos) de (?:{_INFINITIVE}|regalar|ofrecer)\w*",
        rf"(?:ha|han) sido (?:ya )?(?:{_PARTICIPLE})",
        (
            r"(?:ayer|hoy|esta mañana)(?: mismo)? (?:le )?(?:enviamos|envié|mandamos|devolvimos"
            r"|reembolsamos|abonamos)"
        ),
        r"(?:está|están) (?:ya )?(?:en camino|de camino)",
    ),
    gifts=(
        ("gift-card", words(r"tarjetas?[ -](?:de )?regalo", r"cheques?[ -]regalo")),
        (
            "free-shipping",
            words(
                r"envío (?:gratis|gratuito|sin coste|sin gastos)",
                r"envío(?: \w+){0,5}? (?:corre|va) (?:de|por) nuestra cuenta",
                r"envío(?: \w+){0,5}? (?:será|es|sale) (?:gratis|gratuito)",
                (
                    r"gastos de envío (?:son |serán |corren? )?(?:gratis|gratuitos|por nuestra cuenta"
                    r"|de nuestra cuenta)"
                ),
            ),
        ),
        (
            "replacement",
            words(
                r"como reemplazo",
                r"en sustitución",
                r"(?:producto|artículo|aparato|pieza|unidad) de (?:reemplazo|sustitución|recambio)",
                r"(?:un |el |su )(?:reemplazo|recambio)",
                r"gratis (?:un|una|otro|otra) [\w ]+?(?: nuev[oa])?",
                r"(?:un|una|otro|otra) [\w ]{2,24}?(?: nuev[oa])? (?:gratis|sin coste)",
            ),
        ),
        (
            "coupon",
            words(
                r"\d{1,2}(?:,\d)? ?% (?:de )?(?:descuento|dto|rebaja)",
                r"descuento",
                r"vales?(?= (?:de|por))",
                r"cup[óo]n(?:es)?",
                r"código promocional",
            ),
        ),
        (
            "refund",
            words(
                r"reembols\w+",
                r"dinero(?: \w+){0,4}? en (?:su|tu) cuenta",
                (
                    r"devol(?:ver|veremos|veré|vemos|vimos|viéndole)\w*(?=.{0,40}(?:€|euros?|\$|dólares|importe"
                    r"|dinero|total|cantidad|coste|gastos))"
                ),
                r"devuelt[oa]s?(?=.{0,40}(?:€|euros?|importe|dinero|total))",
            ),
        ),
        (
            "credit",
            words(
                r"descont\w+",
                r"de su próxima factura",
                r"abon(?:ado|aremos|aré|amos|arle)",
                r"saldo a (?:su )?favor",
                r"crédito en su cuenta",
            ),
        ),
        ("gesture", words(r"gratis", r"gratuit[oa]s?", r"gesto comercial", r"sin coste", r"por nuestra cuenta")),
    ),
    fillers=re.compile(r"^(?:[\s,;:–—-]|(?:y|e|pero|así que|pues|entonces|además|por supuesto|también)\b(?=\s+\w))+"),
)
