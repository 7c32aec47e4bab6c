"""The words of some twenty-five languages by which mail programs mark quotes, forwards and signatures."""


def _list(words: str) -> tuple[str, ...]:
    """Split a table at its bars; tables stay readable that way, and a translator can add to them."""
    return tuple(word for piece in words.split("|") if (word := " ".join(piece.split())))


# The verb that ends (or opens) the line above a quote: "On Monday Kim wrote:".
WROTE = _list("""
    wrote | writes | said | quoting | zitat von | citando a | citation de | citazione di | schrieb | schrieben | geschrieben | a écrit | a ecrit | écrit | escribió | escribio
    | ha escrito | escreveu | ha scritto | scrive | schreef | geschreven | skrev | skrifaði | kirjoitti |
    napisał(a) | napisał | napisała | napisal(a) | napisal | napisala | pisze | napsal(a) | napsal | napsala |
    napísal(a) | napísal | napísala | ezt írta | írta | irta | a scris | a scris următoarele | yazdı | şunu
    yazdı | написал(а) | написал | написала | пишет | писал | написав(ла) | написав | написала(в) | пише |
    написа | έγραψε | כתב | כתבה | כתב/ה | كتب | كتبت | va escriure | kirjutas | rakstīja | rašė | parašė | je
    napisal | je napisao | je napisala | je napisao/la | je napisao(la) | đã viết | menulis | เขียนว่า | 写道 | 寫道
    | 写到 | 書きました | のメール | のメッセージ | 님이 작성 | 님이 작성함 | 작성 | 님이 썼습니다
""")
# How such a line opens, for languages where the verb stands last or the line is broken in two.
OPENERS = _list("""
    on | am | um | von | le | el | em | il | in data | op | den | dne | dňa | dnia | w dniu | pe | pe data de |
    în data | la | no dia | a(z) | στις | на | ב | בתאריך | vào | pada | tanggal | em data | i | d. | dana |
    fecha | ngày | tarihinde | mensaje | message du | 於 | 在 | 于
""")
WEEKDAYS = _list("""
    mon | tue | wed | thu | fri | sat | sun | mo | di | mi | do | fr | sa | so | lun | mar | mer | mié | jeu |
    ven | sam | dim | jue | vie | sáb | sab | dom | gio | seg | ter | qua | qui | sex | man | tir | ons | tor |
    fre | lør | søn | mån | tis | lör | sön | ma | ti | ke | to | pe | la | su | wo | vr | za | zo | пн | вт |
    ср | чт | пт | сб | вс | нд | pon | wt | śr | czw | pt | sob | niedz | po | út | st | čt | pá | ne | pzt |
    sal | çar | per | cum | cmt | paz
""")
# The labels of a quoted header block, by what they stand for.
FROM = _list("""
    from | von | de | da | van | fra | från | lähettäjä | od | feladó | kimden | gönderen | от | від | από | מאת
    | من | expediteur | expéditeur | mittente | afzender | avsender | avsändare | remitente | remetente |
    odesílatel | odosielateľ | nadawca | dari | từ | จาก | 发件人 | 寄件者 | 寄件人 | 差出人 | 送信者 | 보낸 사람 | 보낸사람 | de la |
    saatja | no | nuo
""")
SENT = _list("""
    sent | date | gesendet | gesendet am | datum | envoyé | envoyé le | date d'envoi | enviado | enviado el |
    enviada em | enviado em | fecha | data | inviato | inviata | verzonden | sendt | skickat | dato | lähetetty
    | päivämäärä | päiväys | wysłano | wyslano | odesláno | odoslané | elküldve | dátum | küldés dátuma |
    gönderilme | gönderildi | tarih | отправлено | дата | надіслано | изпратено | ημερομηνία | στάλθηκε | נשלח |
    תאריך | تاريخ | إرسال | trimis | dikirim | tanggal | đã gửi | ngày | ส่ง | 发送时间 | 日期 | 寄件日期 | 傳送日期 | 送信日時 |
    日付 | 보낸 날짜 | 날짜 | message du
""")
TO = _list("""
    to | cc | an | kopie | à | a | copie à | para | con copia a | aan | til | till | kopia | vastaanottaja |
    kopio | do | dw | komu | címzett | kime | bilgi | кому | копия | до | προς | אל | إلى | către | catre |
    kepada | đến | ถึง | 收件人 | 收件者 | 抄送 | 宛先 | 받는 사람 | 받는사람 | reply-to | reply to | antwort an | kopi | pour |
    kam
""")
SUBJECT = _list("""
    subject | betreff | objet | asunto | assunto | oggetto | onderwerp | emne | ämne | aihe | temat | předmět |
    predmet | tárgy | konu | тема | относно | θέμα | נושא | الموضوع | subiect | subjek | perihal | chủ đề | tiêu
    đề | เรื่อง | 主题 | 主旨 | 件名 | 제목 | sujet | teema | assumpte | tema | importance | wichtigkeit | priority |
    efni
""")
# What stands between the dashes above an earlier mail.
ORIGINAL = _list("""
    original message | original-message | original-nachricht | original mail | original email | ursprüngliche nachricht | originalnachricht | message
    d'origine | message d’origine | message original | message initial | mensaje original | mensagem original |
    messaggio originale | oorspronkelijk bericht | origineel bericht | oprindelig meddelelse | oprindelig besked
    | opprinnelig melding | ursprungligt meddelande | originalmeddelande | alkuperäinen viesti | wiadomość
    oryginalna | oryginalna wiadomość | původní zpráva | originální zpráva | pôvodná správa | eredeti üzenet |
    mesaj original | mesajul original | orijinal ileti | orijinal mesaj | özgün ileti | исходное сообщение |
    оригинальное сообщение | пересылаемое сообщение | оригінальне повідомлення | оригинално съобщение | αρχικό
    μήνυμα | הודעה מקורית | الرسالة الأصلية | pesan asli | tin nhắn gốc | ข้อความต้นฉบับ | 原始邮件 | 原始郵件 | 原邮件 |
    元のメッセージ | オリジナルメッセージ | 원본 메시지 | 원본 메일 | missatge original | izvorna poruka | izvirno sporočilo | algne kiri
    | reply message | in reply to | antwort auf
""")
FORWARDED = _list("""
    forwarded message | forwarded by | begin forwarded message | weitergeleitete nachricht | anfang der
    weitergeleiteten nachricht | message transféré | message transmis | début du message transféré | début du
    message réexpédié | mensaje reenviado | inicio del mensaje reenviado | mensagem encaminhada | mensagem
    reencaminhada | início da mensagem encaminhada | messaggio inoltrato | inizio messaggio inoltrato |
    doorgestuurd bericht | begin doorgestuurd bericht | videresendt meddelelse | videresendt besked |
    videresendt melding | start på videresendt besked | vidarebefordrat meddelande | vidarebefordrat brev |
    välitetty viesti | edelleenlähetetty viesti | wiadomość przekazana | przekazana wiadomość | přeposlaná
    zpráva | preposlaná správa | továbbított üzenet | továbbított levél | mesaj redirecționat | iletilen mesaj |
    iletilmiş ileti | пересылаемое сообщение | начало переадресованного сообщения | перенаправленное сообщение |
    переслане повідомлення | препратено съобщение | προωθημένο μήνυμα | הודעה שהועברה | رسالة معاد توجيهها |
    pesan terusan | 转发的邮件 | 轉寄的郵件 | 转发邮件 | 転送されたメッセージ | 전달된 메시지 | missatge reenviat | proslijeđena poruka
""")
FORWARD_SUBJECTS = _list("""
    fwd | fw | wg | tr | rv | enc | i | vb | vs | vl | vid | doorst | pd | fs | přep | továbbítás | tov | ilt |
    i̇lt | пересл | 转发 | 轉寄 | 転送 | 전달 | fwd fwd | reenv | res fwd | ytl
""")
REPLY_SUBJECTS = _list("""
    re | aw | sv | antw | antwort | rif | ref | r | res | odp | vá | válasz | ynt | yanıt | bls | atb | 回复 | 答复
    | 回覆 | 返信 | 답장 | отв | отн | απ | תגובה | رد | betr
""")
# Words that close a letter; the signature begins there.
FAREWELLS = _list("""
    regards | best regards | kind regards | kindest regards | warm regards | warmest regards | many regards |
    with regards | with kind regards | with best regards | rgds | best | all the best | best wishes | with best
    wishes | cheers | sincerely | yours sincerely | sincerely yours | yours truly | warmly | yours faithfully | yours |
    respectfully | cordially | br | kr | mit freundlichen grüßen | mit freundlichen grüssen | mit freundlichem
    gruß | mit freundlichem gruss | freundliche grüße | freundliche grüsse | viele grüße | viele grüsse | liebe
    grüße | liebe grüsse | beste grüße | beste grüsse | herzliche grüße | schöne grüße | mit besten grüßen | mit
    besten grüssen | hochachtungsvoll | gruß | gruss | grüße | grüsse | mfg | lg | vg | cordialement | bien
    cordialement | très cordialement | cdlt | bien à vous | sincères salutations | salutations | meilleures
    salutations | saludos | saludos cordiales | un saludo | atentamente | un cordial saludo | cordialmente |
    atenciosamente | com os melhores cumprimentos | cumprimentos | melhores cumprimentos | abraço | abraços |
    att | cordiali saluti | distinti saluti | saluti | un saluto | met vriendelijke groet | met vriendelijke
    groeten | mvg | vriendelijke groet | vriendelijke groeten | groet | groeten | groetjes | med venlig hilsen |
    venlig hilsen | med vennlig hilsen | vennlig hilsen | hilsen | mvh | kh | dbh | med vänlig hälsning | med
    vänliga hälsningar | vänliga hälsningar | vänligen | hälsningar | bästa hälsningar | ystävällisin terveisin
    | terveisin | yt | parhain terveisin | pozdrawiam | pozdrawiam serdecznie | z poważaniem | z powazaniem | z
    wyrazami szacunku | s pozdravem | s pozdravom | hezký den | üdvözlettel | tisztelettel | üdv | cu stimă | cu
    respect | o zi bună | saygılarımla | iyi günler | saygılar | с уважением | с наилучшими пожеланиями | з
    повагою | с уважение | поздрави | με εκτίμηση | בברכה | مع أطيب التحيات | salam hormat | trân trọng | lep
    pozdrav | lijep pozdrav | srdačan pozdrav | lugupidamisega | cieņā | pagarbiai | 此致 | 祝好 | 敬礼 | よろしくお願いいたします
    | 以上、よろしくお願いいたします | よろしくお願いします | 敬具 | 감사합니다 | 감사합니다.
""")
SENT_FROM = _list("""
    sent from my | sent from | sent with | sent via | sent by | get outlook for | get bluemail for | von meinem
    | gesendet mit | gesendet von | diese nachricht wurde von meinem | envoyé de mon | envoyé depuis | envoyé à
    partir de | enviado desde | enviado do | enviado de mi | enviado a partir do | inviato da | inviato dal |
    verstuurd vanaf | verzonden vanaf | verzonden met | sendt fra | skickat från | lähetetty | wysłane z |
    wysłano z | odesláno z | odoslané z | küldve | trimis de pe | trimis din | отправлено с | отправлено из |
    надіслано з | изпратено от | στάλθηκε από | נשלח מה | أرسلت من | 發自我的 | 发自我的 | iphoneから送信 | 나의 iphone에서 보냄 |
    dikirim dari | được gửi từ | iphone'umdan gönderildi | poslano z | outlook für | outlook pour | télécharger
    outlook pour | holen sie sich outlook für | obtener outlook para | scarica outlook per
""")
DISCLAIMERS = _list("""
    this e-mail and any | this email and any | this message and any | this e-mail is confidential | this email
    is confidential | this message is confidential | the information contained in this | the contents of this e
    | confidentiality notice | disclaimer | this message w/attachments | this message contains confidential |
    diese e-mail enthält vertrauliche | der inhalt dieser e-mail | ce message et toutes | ce message est
    confidentiel | este mensaje y sus | este correo | esta mensagem | questo messaggio | le informazioni
    contenute | dit bericht is | de informatie in dit | denne e-mail er fortrolig | this email has been scanned
    | virus-free | virenfrei | please consider the environment | bitte denken sie an die umwelt
""")
# "Write your answer above this line", as help desks put it into their mails.
ABOVE_THIS_LINE = _list("""
    above this line | oberhalb dieser zeile | über dieser zeile | au-dessus de cette ligne | encima de esta
    línea | acima desta linha | sopra questa riga | boven deze regel | over denne linje | ovanför den här raden
    | powyżej tej linii | выше этой строки | この線より上に | 回复此行上方
""")
# "You wrote: ...": what stands behind such words was said by somebody else. Before each group letters that all of it has,
# for a cheap look first.
YOU_SAID = {
    "you": _list("you wrote | you said | you promised | you told | you answered | your mail said"),
    "i was told": ("i was told",),
    "schrieb": _list("sie schrieben | sie haben geschrieben | du schriebst | hast du geschrieben"),
    "écri": _list("vous avez écrit | vous aviez écrit"),
    "escribió": ("usted escribió",),
    "escreveu": ("você escreveu",),
    "scritto": _list("avete scritto | hai scritto"),
    "schreef": ("u schreef",),
    "skrev": ("du skrev",),
    "napisał pan": ("napisał pan",),
    "вы": _list("вы писали | вы написали"),
}
