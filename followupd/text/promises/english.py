"""English: words of time, and how agents promise, grant, hedge and report."""

import re

from followupd.text.promises.grammar import DateWords, Grammar, counted, words

_DATES = DateWords(
    weekdays=counted(
        "monday|mon, tuesday|tues|tue, wednesday|wed, thursday|thurs|thur|thu, friday|fri, saturday, sunday"
    ),
    months=counted(
        "january|jan, february|feb, march|mar, april|apr, may, june|jun, july|jul, august"
        "|aug, september|sept|sep, "
        "october|oct, november|nov, december|dec",
        start=1,
    ),
    numbers=counted("a|an|one|the, two|a couple of, three, four, five, six, seven, eight, nine, ten", start=1)
    | {"twelve": 12, "fourteen": 14, "twenty-four": 24, "forty-eight": 48},
    units={
        r"minutes?": "minute",
        r"mins?": "minute",
        r"hours?": "hour",
        r"hrs?": "hour",
        r"h": "hour",
        r"(?:business|working|office)\s+hours?": "business hour",
        r"(?:business|working|work)[\s-]days?": "business day",
        r"(?:calendar\s+)?days?": "day",
        r"weeks?": "week",
        r"months?": "month",
    },
    offsets=(
        (
            r"(?:within|in|inside|over|during)\s+(?:(?:the|at\s+most)\s+)?(?:(?:next|coming"
            r"|following)\s+)?{n}[\s-]?{unit}(?!\s+ago)"
        ),
        r"{n}\s{unit}\s+(?:from\s+(?:now|today)|at\s+(?:the\s+)?(?:most|latest))",
    ),
    phrases=(
        (r"(?:the\s+)?day\s+after\s+tomorrow", "day+2"),
        (r"first\s+thing(?=\s+(?:tomorrow|tmrw|monday|tuesday|wednesday|thursday|friday))", "morning"),
        (r"tomorrow|tmrw|tmr|tomoz", "day+1"),
        (r"this\s+morning", "today-morning"),
        (r"this\s+afternoon", "today-afternoon"),
        (r"this\s+evening", "today-evening"),
        (r"tonight", "today-night"),
        (
            (
                r"(?:the\s+)?(?:end|close)\s+of\s+(?:(?:the|your|our)\s+)?(?:business(?:\s+day)?"
                r"|(?:working\s+)?day)(?:\s+today)?"
            ),
            "close",
        ),
        (r"eod|cob|close\s+of\s+play", "close"),
        (r"today", "day+0"),
        (r"(?:before|by|until)\s+the\s+weekend", "weekend+0"),
        (r"(?:the\s+)?end\s+of\s+next\s+week", "week+1"),
        (r"(?:the\s+)?end\s+of\s+(?:the|this)\s+week|(?:later\s+)?this\s+week", "week+0"),
        (r"early\s+next\s+week|(?:the\s+)?(?:start|beginning)\s+of\s+next\s+week", "early+1"),
        (r"(?:the\s+)?middle\s+of\s+next\s+week|mid(?:\s+|-)next\s+week", "mid+1"),
        (r"(?:(?:some\s+time|sometime|later)\s+)?next\s+week", "week+1"),
        (r"(?:the\s+)?end\s+of\s+(?:the|this)\s+month", "month+0"),
        (r"(?:(?:the\s+)?end\s+of\s+)?next\s+month", "month+1"),
        (r"(?:before|by|for|until)\s+christmas", "christmas"),
        (r"noon|midday|lunch(?:time|\s+time)?", "noon"),
        (r"midnight", "night"),
        (r"(?:in\s+the\s+|late\s+)?(?:early\s+)?morning", "morning"),
        (r"(?:in\s+the\s+)?(?:early\s+|late\s+)?afternoon", "afternoon"),
        (r"(?:in\s+the\s+)?evening", "evening"),
    ),
    clock=r"(?P<h>\d{1,2})(?:(?:[:.](?P<m>\d{2}))?\s?(?P<half>[ap]\.?m\b\.?)|:(?P<m2>\d{2})\b)",
    to="to|or",
    through="to|through|-|–",
    lead=(
        r"by|before|until|till|on|at|in|for|from|no\s+later\s+than|not\s+later\s+than"
        r"|at\s+the\s+latest\s+by|latest\s+by|latest|around|about|the|this|prior\s+to|due|to\s+follow"
    ),
    strong=r"by|before|until|till|no\s+later\s+than|not\s+later\s+than|latest|prior\s+to",
    before=r"before|prior\s+to",
    trail=r"at\s+the\s+(?:very\s+)?latest|latest|or\s+sooner|or\s+earlier",
    glue=r",|at|by|on|before|in\s+the|,?\s*the|of|around|,\s*at|'s|t",
    past_before=(
        r"last|since|(?<!end\s)(?<!close\s)of|past|dated|yesterday|(?<!be\s)(?<!being\s)(?:ordered|placed|bought|made|sent"
        r"|paid|called|wrote|charged|delivered|arrived|left)\s+(?:it\s+)?(?:on|at)?|from"
    ),
    past_after=r"ago|last|'s\s+(?:mail|call|order|letter)",
    this_weekday=r"(?:this|coming|this\s+coming)\s+",
    next_weekday=r"next\s+",
    ordinal=r"(?<=the\s)\d{1,2}(?:st|nd|rd|th)\b",
)

_ADVERB = (
    r"(?:(?:also|now|then|currently|presently|right now|actively|just about|certainly|gladly|happily|of course|naturally|personally|immediately"
    r"|still|just|already|definitely"
    r"|today|tomorrow|all|both|directly|promptly|at once|straight away|right away|therefore|again"
    r"|in any case|either way"
    r"|be sure to|make sure to|go ahead and|arrange to|be able to|have to) )"
)
_US = r"(?:i|we)"
_WILL = (
    rf"(?:{_US}'ll|{_US}'ll then|{_US} will|{_US} shall|{_US} (?:am|are) going to|i'm going to"
    rf"|we're going to|{_US} promise to|{_US} commit to|{_US} agree to)"
)
#: agents in a hurry leave out the "I"
_LEFT_OUT = r"^(?:(?:ok(?:ay)?|right|got it|thanks|thx|yes|yep|sure|no problem|and|so|then|hi|hello)[ ,!.]+)*"
_BEING = rf"(?:{_US} am|{_US} are|i'm|we're)"
_DO = (
    "ship|reship|send|resend|dispatch|despatch|post|mail|forward|deliver|redeliver|return|refund"
    "|reimburse|repay|pay|transfer"
    "|replace|exchange|swap|repair|fix|mend|correct|amend|cancel|issue|reissue|arrange|book"
    "|rebook|schedule|reschedule"
    "|investigate|look into|look at|check|double-check|find out|review|escalate|pass|raise|chase"
    "|confirm|collect|pick"
    "|process|prepare|complete|finish|finalise|finalize|resolve|sort|restore|reactivate|reopen"
    "|unlock|reset|remove|waive"
    "|reverse|install|visit|come|bring|drop|provide|give|add|apply|extend|upgrade|honour|honor"
    "|speak|talk|ask|trace|track"
    "|reorder|order|set up|change|update|adjust|credit|share|hand|take care of|see to|deal with"
    "|go through|make arrangements"
    "|get (?:it|this|that|them|these|the|your|a|an|one)|have (?:it|this|that|them|these|the|your"
    "|a|an|one)|put (?:it|this|that|the|your|a|right)|take (?:it|this|that) up|test|inspect|email"
    r"|put through|put [£$€\d][\d.,]*|prioriti[sz]e|expedite|rush|authori[sz]e|approve|assign"
    "|dig into|work out|draw up|draft|register|log|file|open|submit|request|reserve|switch|move"
    "|top up|match|backdate|rearrange|reroute|redirect|rectify|handle|settle|straighten|release"
    "|pack|supply|leave|see that|compensate|cover|pay for|stop|block|delete|erase|unsubscribe"
    "|transfer|hand over|follow this up|recalculate|rebuild|rewrite|rerun|roll back|patch|clean"
    "|measure|look for|search|make (?:a|an|the|good|sure (?:that )?(?:your|the|it|this|you))"
)
_DOING = (
    "(?:re)?shipping|sending|resending|dispatching|posting|mailing|forwarding|delivering"
    "|returning|refunding|reimbursing"
    "|transferring|replacing|exchanging|repairing|fixing|correcting|cancelling|canceling|issuing"
    "|arranging|booking"
    "|investigating|looking into|checking|reviewing|escalating|passing|raising|chasing|processing"
    "|preparing|restoring"
    "|removing|waiving|reversing|adding|applying|extending|upgrading|crediting|giving|offering"
    r"|providing|having (?:it|this|the|your|a|an)|putting (?:it|this|the|your|a|an|[£$€\d][\d.,]*)"
    "|chasing|looking at|going through|taking|knocking|dropping|bringing|collecting|swapping|setting up|getting (?:it|this|that|them|your|the|a)"
    "|passing|forwarding|requesting|asking|speaking|working on|emailing|opening|sorting"
    "|transferring|paying|rebooking|handling"
)
_DONE = (
    "(?:re)?shipped|sent|resent|dispatched|despatched|posted|mailed|forwarded|delivered|returned"
    "|refunded|reimbursed|repaid"
    "|transferred|replaced|exchanged|repaired|fixed|mended|corrected|amended|cancelled|canceled"
    "|issued|reissued|booked"
    "|restored|reactivated|unlocked|reset|removed|waived|reversed|installed|provided|added"
    "|applied|extended|upgraded"
    "|changed|updated|adjusted|credited|completed|finished|resolved|sorted|done|processed"
    "|couriered|set up|collected|paid|settled|put through|authori[sz]ed|approved|topped up"
    "|rebooked|rescheduled|redelivered|prioriti[sz]ed|rectified|recalculated|transferred back"
    "|reopened"
)
_THING = (
    r"(?:(?:your|the|a|an|our|my|this|that|these|it|they|everything|all|both|someone|he"
    r"|she)(?: [\w'£€$.,-]+){0,6}?)"
)
_GO = (
    rf"be (?:(?:fully|back|on its way|with you|in your|at your|ready|available|done|there"
    rf"|{_DONE})\b)|ship|leave|go out|go off|"
    "arrive|reach|land|be with|come|visit|call round|deliver|collect|pick|repair|install"
    "|take care|send|look into"
)
_HEAR = (
    r"get back to|come back to|be in touch|be back in touch|let you know|keep you (?:posted"
    r"|informed|updated|up to date|in the loop)"
    r"|write(?: back)?(?: again)? (?:to )?you|write (?:again )?with|write|email you|mail you"
    r"|e-mail you|message you|text you|phone you|call you|call|ring you|ring|phone"
    r"|call (?:you )?back|contact you|reach out|report back|update you|give you (?:a call|a ring"
    r"|an update|an answer|a status)|send you an update|tell you|follow up|return your call"
    r"|check in|check back|touch base|drop you (?:a line|a note|an? e-?mail|a message)"
    r"|get in touch|be back to you|circle back|revert to you|inform you|notify you|advise you"
    r"|reply to you|reply|respond|answer you|answer|speak to you|speak with you|talk to you"
    r"|keep in touch|share (?:an update|the (?:result|outcome|findings))|have (?:news|an answer"
    r"|an update) for you|send you (?:a note|word|news|an e-?mail|a message|the (?:details|outcome"
    r"|result)s?)|give you (?:a (?:status|progress report|definite|quick call)|news|word|feedback"
    r"|the (?:result|outcome))|call to|phone to|confirm (?:[\w ]{2,24} )?(?:to|with) you"
)

ENGLISH = Grammar(
    language="en",
    dates=_DATES,
    clause=re.compile(
        r"(?:,|;|:)?\s+(?:and|but|so|while|yet)\s+(?=(?:i|we|you|it|they|he|she|there|this|your|the|my"
        r"|our)(?:'|\s))"
        r"|;\s|\s[–—-]\s|:\s"
        r"|,\s+(?=(?:i|we)(?:'ll|'m|'re|'ve|\s+(?:will|shall|have|am|are))\b)"
    ),
    unreal=words(
        r"^should (?:it|you|the|this|that|your)",
        r"if",
        r"unless",
        r"in case",
        r"provided (?:that|the|you|it|we)",
        r"assuming",
        r"whether",
        r"as long as",
        r"otherwise",
        r"(?:you|he|she|they|customer|colleague|carrier|tracking|page|manual|driver|mail|email"
        r"|somebody|someone|agent|notes?)(?: (?:have|had|also|already|then|just|first))?"
        r" (?:wrote|write|said|say|says|asked|ask|mention|mentioned|told|claim|claimed|stated|promised"
        r"|put it|quoted|quote|thought|expected|wanted|were told|was told)",
        r"according to",
        r"as you put it",
        r"(?:i|we|you) (?:was|were|had been|have been|'d been) (?:told|promised)",
        r"orders? placed",
        r"wish",
        r"in (?:your|the) (?:mail|email|message|letter) (?:you|it)",
        r"never said",
        r"only possible",
        r"policy",
    ),
    hedged=words(
        r"not",
        r"\w+n't",
        r"cannot",
        r"never",
        r"nobody",
        r"no one",
        r"unable",
        r"impossible",
        r"refuse[sd]?",
        r"rejected",
        r"declined",
        r"expired",
        r"would(?! like to (?:offer|refund|send|give|credit|replace|reimburse|make it up))",
        r"could",
        r"might",
        r"may(?! \d)",
        r"perhaps",
        r"(?:we|i) (?:usually|normally|typically|generally|always|only|mostly|often)",
        r"(?:i|we)(?:'ll| will|'m| am|'re| are) (?:be |all )?(?:back|off|out|in|away|here|there)(?! (?:touch|contact|you|to|with|it))",
        r"waiting (?:for (?!you)|on|to)",
        r"asking (?:you|customers|people|everyone)",
        r"(?:best|warm|kind) (?:wishes|regards)",
        r"(?:be enough|do the trick|suffice)",
        r"snow|strikes?|weather",
        r"my own",
        r"giving away",
        r"(?:clos|mov)ing (?:early|late|down|to)",
        r"we (?:do |also )?offer (?:refunds|free|returns|discounts|delivery)",
        r"newsletter|students?|members|sign up",
        r"(?:button|link|form|page|option|field)s? (?:is|are)",
        r"supposed to",
        r"(?:app|tracking|ups|dhl|fedex|hermes|evri|dpd|royal mail|courier|carrier|system|website|page|label|depot|bank)(?:'s| is)? (?:says|showing|shows|telling|tells|reads|claims|thinks|quotes|quoting|gives|indicates|reckons)",
        r"(?:manual|page|guide|link|video|form|policy|app|system|members|customers|warranty|guarantee|kettles?) (?:[\w ]{1,24} )?(?:will|shall)",
        r"(?:will|'ll) (?:then |also )?need",
        r"\w+'d(?! (?:like|love|be (?:glad|happy|delighted|pleased)))",
        r"(?:it|that|this)(?:'ll| will) (?:be (?:quicker|cheaper|easier|better|harder|faster|worth|more|less|£|€|\$)|cost|help)",
        r"(?:great|good|glad|nice|lovely|happy|pleased) (?:that|to (?:hear|know))",
        r"(?:they|he|she|you|customers?|people|who) (?:want|need|expect|prefer|would like|book|order)s?",
        r"(?:contract|subscription|membership|plan|warranty|guarantee|tariff) (?:runs|renews|lasts|covers)",
        r"(?:bill|invoice|payment|fee|rent|instal\w+) (?:is|are|will be|falls) due",
        r"as you know",
        r"still (?:have|has) (?:nothing|no)",
        r"can (?:be|always)",
        r"by law",
        r"you (?:received|used|bought|were sent|ordered|have|had)(?= .{0,40}(?:seems|looks|is|was|expire|gives))",
        r"expires?",
        r"(?:good|fair|small|slim|some|every|a) chance",
        r"in theory",
        r"with any luck",
        r"maybe",
        r"possibly",
        r"hopefully",
        r"hope(?:s|d)?",
        r"hoping",
        r"try",
        r"trying",
        r"attempt",
        r"do (?:my|our) (?:very )?best",
        r"do everything",
        r"see what",
        r"aim(?:s|ing)? to",
        r"ideally",
        r"wish",
        r"doubt",
        r"not sure",
        r"no idea",
        r"were going to",
        r"was going to",
        r"had (?:promised|planned|hoped)",
        r"(?:should|would|could|must|might) have (?!the|your|an?|it|this|that|them|one|news)\w+",
        r"used to",
        r"normally would",
        r"'d love to",
        r"whenever",
        r"depend(?:s|ing)",
        r"luck",
        r"fingers crossed",
        r"touch wood",
        r"(?:we|office|shop|store|desk|depot|warehouse|line|branch)(?: \w+)? (?:are|is|will be|were|was) closed",
        r"out of (?:the )?office",
        r"(?:from|on) (?:holiday|leave|vacation)",
        r"be away",
        r"unavailable",
        r"sorry that",
        r"understand(?:s)? (?:that|how|why)",
        r"^(?:many )?thank(?:s| you)",
        r"(?:can|may|shall|should|must|need to|have to) (?:i|we)",
    ),
    trigger=words(
        r"as soon as",
        r"once",
        r"the moment",
        r"when(?= (?:i|we|the|it|your|our|they|he|she)(?:'| ))",
        r"after (?:i|we) (?:hear|have|receive|get)",
        r"after (?:the|your) \w+ (?:arrives|is|has|comes)",
        r"upon (?:receipt|arrival|return)",
    ),
    complement=words(
        r"as you (?:asked|requested|wished|wanted|suggested|said)",
        r"(?:know|tell you|find out|check|ask|see|look into|explain|investigate|establish|hear|write (?:to )?you|with) (?:\w+ )?(?:what|why|how|where|who|which)\b[^;]*",
        r"if not (?:sooner|earlier|before)",
        r"or not",
        r"either way",
        r"not only",
        r"do not worry",
        r"don't worry",
        (
            r"(?:let you know|tell you|find out|check|see|confirm|ask(?: \w+){0,3}|know|update you"
            r"|advise)(?: (?:by|on|before|tomorrow|today|this|next|the|end|of|[a-z]+day|week)){0,5} (?:if"
            r"|whether|when|once)"
        ),
    ),
    estimate=words(
        (
            rf"(?:{_THING}|you|we|i)(?:'ll| will)? (?:should|ought to)(?: then| now| probably)? (?:{_GO}"
            rf"|have|receive|get|see|hear|appear|show|clear|take|be)"
        ),
        rf"(?:{_THING}|you|we|i)(?:'ll| will)? (?:probably|likely|most likely)(?: be)? ?\w*",
        rf"(?:{_THING}|you|we|i) (?:usually|normally|typically|generally) \w+",
        rf"{_US} (?:expect|anticipate|estimate|reckon|believe|think)",
        r"(?:is|are) (?:expected|estimated|due|scheduled|likely|planned|anticipated)",
        r"estimated (?:delivery|arrival|date)",
        r"all being well",
        r"barring",
        r"in all likelihood",
        r"provisionally",
        r"roughly",
        r"should then",
        r"(?:delivery|arrival|repair) is (?:expected|estimated)",
    ),
    update=words(
        rf"{_WILL} {_ADVERB}*(?:telephone|report(?: back)? to you|speak again|come back with)",
        r"you(?:'ll| will) know (?:more|the (?:result|answer|outcome))",
        r"you(?:'ll| will| shall) (?:then |also )?(?:get|have|receive|hear) (?:[\w-]+ ){0,3}(?:call|answer|reply|update|response|report|news|explanation|e-?mail from (?:me|us))",
        r"(?:report|update|summary|answer|reply|response|explanation)(?: [\w-]+){0,3} will be (?:e?-?mailed|sent|given|with you|in your inbox|ready|yours)",
        rf"{_WILL} {_ADVERB}*confirm in writing",
        rf"{_WILL} {_ADVERB}*(?:{_HEAR})",
        (
            r"(?:and|then|or|,) (?:then |also )?(?:get back to you|let you know|come back to you|call you"
            r"|write to you|update you|keep you \w+|report back|be in touch|email you the (?:result"
            r"|outcome))"
        ),
        (
            r"you(?:'ll| will| shall) (?:then |also )?(?:hear (?:back )?from (?:me|us)|have (?:an answer"
            r"|a reply|an update|news|word) ?\w*|get (?:an answer|a reply|an update|news|word)"
            r"|receive (?:an answer|a reply|an update|news|word|a call))"
        ),
        (
            r"(?:expect|look out for|you can expect|you may expect|watch out for) (?:to hear from"
            r"|a message|my|our|a call|an answer|a reply|an update|to hear|an email|a mail|news)"
        ),
        (
            rf"(?:(?:my|our|the|a) (?:[\w-]+ ){{0,2}}?(?:manager|colleague|supervisor|team|specialist"
            rf"|engineer|lead|technician|director|expert|department)(?:, [\w ]+?,)?|[a-z]+(?: (?:from"
            rf"|in) [\w ]+?)?|someone(?: from [\w ]+?)?|he|she) (?:will|is going to) {_ADVERB}*(?:{_HEAR})"
        ),
        rf"{_BEING} (?:calling|writing to|phoning|ringing|contacting|getting back to) you",
    ),
    firm=words(
        rf"and (?:also |then |now )?will {_ADVERB}*(?:{_DO})",
        rf"{_WILL} {_ADVERB}*(?:{_DO})",
        rf"{_BEING} {_ADVERB}*(?:{_DOING})",
        rf"{_LEFT_OUT}(?:will|shall|gonna|going to) {_ADVERB}*(?:{_DO})",
        rf"{_LEFT_OUT}am {_ADVERB}*(?:{_DOING})",
        rf"{_US}(?:'m|'re| am| are)? gonna (?:{_DO})",
        r"leave (?:it|this|that|everything) (?:all )?(?:with|to) (?:me|us)",
        r"consider it (?:done|sorted|fixed)",
        r"(?:i'm|we're|i am|we are) on (?:it|the case)",
        rf"{_US} promise",
        r"you have my word",
        (
            rf"(?:my|our|the|a) (?:[\w-]+ ){{0,2}}?(?:manager|colleague|supervisor|team|specialist|engineer"
            rf"|lead|technician|courier|driver|warehouse|accounts?) will {_ADVERB}*(?:{_DO})"
        ),
        rf"{_THING} will be (?:{_DONE})",
    ),
    dated=words(
        rf"{_THING} (?:is|are) being (?:{_DONE})",
        rf"{_THING} (?:go|goes|come|comes|leave|leaves|ship|ships|arrive|arrives|return|returns|move|moves|gets|starts? again)",
        r"you(?:'re| are) getting",
        r"you(?:'ll| will) know",
        rf"{_WILL} {_ADVERB}*(?!(?:be|remember|need|miss|always|never|see|like|love|know|understand|wait|hear|take (?:note|notice|over from)|work from|travel|have to|no)\b)[a-z-]+",
        rf"{_THING} (?:will|is going to) {_ADVERB}*(?!(?:be|end|expire|close|begin|start|open|go up|rise|increase|change|last|need|cost|apply|run out|remain|stay|require)\b)[a-z-]+",
        rf"(?:my|our) (?:[\w-]+ )?(?:[\w-]+s) are (?:{_DOING})",
        (
            r"you(?:'ll| will| shall| can expect to| are going to) (?:then |also )?(?:receive|get|have|see"
            r"|be (?:refunded|reimbursed|credited|paid|able))"
        ),
        r"(?:you can )?count on",
        r"you can expect",
        r"(?:so that|so) you have",
        r"(?:your|the|our|this|that|these|it|they|everything) (?:[^,;]{1,60} )?(?:will|'ll) be",
        rf"(?:{_US}'ll|{_US} will|they will|they'll) (?:get|have)",
        (
            rf"{_THING} (?:goes out|ships|leaves|arrives|is being (?:{_DONE})|gets (?:{_DONE})|(?:is"
            rf"|are) (?:now |already )?(?:booked|scheduled|arranged|set|pencilled|lined up)(?: in)? for"
            rf"|is going (?:out|in the post|to be)|goes|is leaving|is shipping|is coming)"
        ),
        rf"{_US} (?:ship|send|dispatch|deliver|refund|repair|install|collect)",
        rf"(?:{_THING}|{_US}|[a-z]+) will {_ADVERB}*(?:{_GO})",
        rf"{_THING}'ll (?:{_GO})",
    ),
    done=words(
        (
            rf"{_US}(?:'ve| have) {_ADVERB}*(?:{_DONE}|arranged|escalated|ordered|placed a new order|opened"
            rf"|created)(?! (?:with|to) (?:the|our) (?:carrier|courier))"
        ),
        rf"(?:your|the) [\w -]{{2,40}}? (?:has|have) (?:now |just |already |today )?been (?:{_DONE})",
        (
            rf"{_US} {_ADVERB}*(?:shipped|sent|fixed|corrected|cancelled|replaced|repaired|refunded"
            rf"|credited|issued|restored)"
        ),
        rf"{_LEFT_OUT}(?:(?:have|just|now|all|already|gone ahead and) )*(?:{_DONE})(?! (?:goods|items|orders|parcels|by|with|to|in|mail|from))(?= |,|$|!)",
        rf"(?:gone ahead and|went ahead and) (?:{_DONE})",
        r"(?:passed|raised|flagged|escalated|forwarded) (?:it|this|that|your \w+)(?: \w+)? (?:on )?(?:to|with) (?:our|the|my)",
        r"(?:all |that's |that is |it's |it is |is )(?:now |all )?(?:fixed|sorted|done|corrected|resolved)(?= |,|$|!)(?! by)",
    ),
    giving=words(
        rf"(?:{_US}'d|{_US} would) be (?:glad|happy|delighted|pleased) to (?:send|offer|give|refund|replace|credit)",
        rf"{_LEFT_OUT}(?:will|shall|gonna|going to) (?:{_DO}|knock|take|cover)",
        rf"{_US}(?:'m|'re| am| are)? gonna (?:{_DO}|knock|take|cover)",
        rf"{_WILL} {_ADVERB}*(?:absorb|bear|swallow)",
        r"(?:should|will|'ll) be (?:back )?(?:on|in|with) your",
        r"(?:money|amount|refund|payment|[£$€][\d.,]+)(?: [\w']+){0,3}? (?:should|will|'ll) (?:be|show|appear|reach|land|hit|clear)",
        r"you(?:'ll| will| should) see (?:it|this|that|the (?:money|refund|credit|amount|payment)|(?:the )?[£$€])",
        r"(?:is|are) waiting (?:in|on|for)",
        r"goes (?:on|onto|against|off) your",
        r"(?:use|enter|quote) (?:the )?(?:code )?\w+ (?:at (?:the )?checkout|for|to get)",
        r"consider (?:the|your|that|this)",
        r"give it (?:till|until)",
        r"^(?:a |the |your )?(?:full |partial )?(?:refund|credit|voucher|gift card)\b",
        r"you(?:'re| are) getting",
        r"(?:have|is|are) (?:[^,;]{1,40} )?(?:waiting )?for you",
        r"(?:is|are) on (?:us|the house)",
        r"will be (?:returned|paid|taken off|deducted)",
        (
            rf"{_WILL} {_ADVERB}*(?:{_DO}|cover|knock|take|offer|let you|make it up|reduce|deduct|include"
            rf"|throw in)"
        ),
        rf"{_BEING} {_ADVERB}*(?:{_DOING}|covering|including|enclosing|attaching)",
        rf"(?:{_US} would|{_US}'d) like to (?:offer|refund|send|give|credit|replace|reimburse)",
        rf"{_US} (?:offer|grant|enclose|attach)",
        (
            r"(?:please )?(?:accept|find (?:attached|enclosed)|enjoy|use (?:the|this|your) (?:code|voucher"
            r"|coupon))"
        ),
        r"here(?:'s| is| are)",
        r"attached (?:is|you)",
        r"enclosed (?:is|you)",
        (
            r"you(?:'ll| will| shall) (?:then |also |of course |naturally )?(?:receive|get|have"
            r"|be (?:fully )?(?:refunded|reimbursed|credited))"
        ),
        r"you (?:get|receive)",
        r"you (?:can|may) keep",
        rf"{_US}(?:'ve| have) (?:attached|enclosed|included)",
        (
            rf"(?:your|the) [\w ,-]{{2,60}}? (?:will be|is being|comes? with|will come with|is|are"
            rf"|will have|ships|goes out|will go out) ?(?:{_DONE}|free|on us)?"
        ),
        rf"{_THING} (?:will|goes out|ships|is on)",
        r"as (?:an?|our|my) (?:apology|gesture|thank|token|sign)",
        r"on us",
        r"on the house",
        r"to make up for",
        r"is yours",
        r"for (?:the|your) (?:trouble|inconvenience|hassle)",
        r"will be back (?:in|on) your",
        rf"{_THING} is going (?:out|in the post)",
        r"is going back",
    ),
    given=words(
        rf"{_LEFT_OUT}(?:(?:have|just|now|all|already) )*(?:{_DONE}|popped|put|added)(?! (?:goods|items|orders|parcels|by|mail|from))(?= |,|$|!)",
        r"(?:refund|credit|payment|replacement)(?:'s| is| has been)? (?:all )?(?:done|out|through|sent|processed|issued|made)(?= |,|$|!)",
        r"(?:refund|credit|payment)(?: of [^,;]{1,16})? (?:went|has gone|gone) (?:through|out)",
        rf"(?:was|were) (?:{_DONE})(?: [\w-]+){{0,5}}? (?:today|yesterday|this morning|last \w+)",
        (
            rf"{_US}(?:'ve| have)? {_ADVERB}*(?:{_DONE}|waived|knocked|taken|gave|given|granted|arranged"
            rf"|put|popped|left|enabled|activated|ordered)"
        ),
        rf"(?:has|have) (?:now |just |already |today )?been (?:{_DONE})",
        rf"(?:was|were) (?:{_DONE}) (?:today|yesterday|this morning|on \w+)",
        r"(?:is|are) (?:already |now )?on (?:its|their|the) way",
        r"(?:your|the) replacement (?:\w+ )?(?:shipped|left|went out)",
    ),
    gifts=(
        ("gift-card", words(r"(?:e-?)?gift[\s-]?(?:card|voucher|certificate)s?")),
        (
            "free-shipping",
            words(
                r"(?:shipping|delivery|postage) [\w ]{0,20}(?:is|are|will be) (?:free|on us|on the house)",
                r"free (?:of charge )?(?:express |standard |next-day )?(?:shipping|delivery|postage)",
                (
                    r"(?:waiv|remov|dropp?|cancel)\w* (?:the |your |all )?(?:\w+ )?(?:shipping|delivery"
                    r"|postage)(?: (?:fee|charge|cost)s?)?"
                ),
                r"(?:shipping|delivery|postage) (?:is |will be )?(?:free|on us|on the house)",
                (
                    r"(?:shipping|delivery|postage) (?:fee|charge|cost)s? (?:will be |is |has been "
                    r"|have been )?(?:waived|removed)"
                ),
            ),
        ),
        (
            "replacement",
            words(
                r"replacement(?! part)",
                r"replace [\w ]{2,40}?(?:free of charge|at no (?:extra )?(?:cost|charge)|for free)",
                r"(?:free of charge|at no cost),? replace",
                (
                    r"(?:a|another) (?:brand[- ])?new [\w ]{2,30}?(?=.{0,60}(?:no charge|free of charge|at no"
                    r"|for free))"
                ),
                r"send (?:you )?(?:another|a new) \w+",
            ),
        ),
        (
            "coupon",
            words(
                r"\d{1,2} ?% off",
                (
                    r"\d{1,2}(?:[.,]\d)? ?(?:%|percent|per cent) (?:off|discount|reduction|voucher|coupon|code"
                    r"|on your next|from your next)"
                ),
                r"discount",
                r"vouchers?",
                r"coupons?",
                r"promo(?:tional)? code",
                r"off (?:your|the|any|an?) (?:next|future|order|purchase|booking)",
            ),
        ),
        (
            "refund",
            words(
                r"pay(?:ing)? you(?= .{0,20}\d)",
                r"(?:returned|paid|sent) (?:back )?to your (?:card|bank|account|paypal)",
                r"refund(?:s|ed|ing)?",
                r"reimburs\w+",
                r"money back",
                r"back (?:in|on|into|onto|to|with) (?:your (?:account|card|bank|paypal)|you)(?=.{0,60}(?:£|€|\$|money|amount))",
                r"back (?:in|on|into|onto|to) your (?:account|card|bank|paypal|statement)",
                r"[£$€][\d.,]+ (?:\w+ ){0,2}on your (?:statement|card)",
                r"(?:absorb|bear|swallow|cover)\w* the [\w .,£$€]{0,24}?(?:charge|cost|fee|customs|duty|duties)s?",
                r"taken the [\w ]{0,16}?(?:fee|charge) off",
                r"return (?:the |your )?(?:money|payment)",
                r"(?:give|giving|pay|paying|send) you back",
                r"pay (?:you )?back",
                r"repay\w*",
                r"revers\w+ the [\w.,$£€ ]{0,24}?(?:charge|payment|fee)",
            ),
        ),
        (
            "credit",
            words(
                r"off your (?:next |current )?(?:bill|invoice|statement)",
                r"from your (?:next|current) (?:bill|invoice)",
                r"[£$€]?[\d.,]+ ?[£$€]? (?:on|in|onto|into|to) (?:to )?your (?:account|wallet|balance)",
                r"[£$€][\d.,]+ (?:is|are) (?:waiting )?(?:in|on) your (?:app|wallet|account|balance)",
                r"credit(?!\s+(?:card|note number|score))(?:s|ed|ing)?",
                r"waiv\w+ (?:the|your) [\w.,$£€ ]{0,24}?(?:fee|charge)",
            ),
        ),
        (
            "gesture",
            words(
                r"(?:fee|month|breakfast|meal|night|bill|visit|session|lesson) is on us",
                r"free of charge",
                r"gesture of goodwill",
                r"goodwill gesture",
                r"free month",
                r"at no (?:extra )?(?:cost|charge)",
                r"complimentary",
                r"on the house",
                r"free (?:upgrade|sample|gift|bottle|dessert|meal|night)",
            ),
        ),
    ),
    fillers=re.compile(
        r"^(?:[\s,;:–—-]|(?:and|but|so|then|also|therefore|in addition|additionally|as promised"
        r"|of course|in the meantime|please note that|rest assured,?)\b(?!\s+to\b))+"
    ),
    subject=re.compile(r"(?i)\b(?:i|we)(?:'ll| will| shall|'m going to| am going to|'re going to| are going to)(?=\s)"),
    carried=re.compile(rf",?\s+(?:and|then|and then)\s+(?=(?:{_DO}|{_HEAR})\b)"),
    contractions=(
        ("I'll", "I will"),
        ("We'll", "We will"),
        ("I'm", "I am"),
        ("We're", "We are"),
        ("You'll", "You will"),
        ("we'll", "we will"),
        ("we're", "we are"),
        ("you'll", "you will"),
        ("I've", "I have"),
        ("We've", "We have"),
        ("we've", "we have"),
        ("It'll", "It will"),
        ("it'll", "it will"),
    ),
)
