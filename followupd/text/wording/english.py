"""English phrases for the rules of wording: regular expressions, a space standing for any white space."""

PHRASES: dict[str, tuple[str, ...]] = {
    "apology": (r"sorry", r"apologi[sz]e", r"apolog(?:y|ies)"),
    "thanks": (r"thanks?", r"grateful"),
    "invitation": (
        r"hope", r"welcome", r"glad", r"look(?:ing)? forward", r"pleasure", r"happy to", r"show you", r"come back",
        r"see you again", r"make it easier", r"another chance",
    ),
    "non-apology": (
        r"(?:sorry|apologi[sz]e|regret) (?:that )?you(?:'re| are| were| have)? (?:feel|felt|feeling|think|thought|upset|unhappy|disappointed|dissatisfied|unsatisfied|offended)",
        r"(?:sorry|apologi[sz]e|apologies|apology)(?: to you)?(?: for)? if",
        r"(?:sorry|apologi[sz]e|apologies|apology)[^.!?:;]{0,70} (?:if (?:you|we|this|it|that|there|any)|but)",
        r"any (?:inconvenience|trouble|confusion|upset|distress)(?: that)?(?: this| that| it| we)? (?:may|might|could) have",
        r"(?:for|regret|cause[ds]?) any inconvenience",
        r"if you (?:were|have been|felt|feel) (?:inconvenienced|offended|upset|affected|let down|disappointed)",
        r"to (?:anyone|those) who (?:was|were|felt|may)",
    ),
    "excuse": (
        r"beyond (?:our|my) control", r"(?:unusually|exceptionally|unexpectedly|very) high (?:volume|number|demand)",
        r"due to (?:high|unusual|heavy|unprecedented|staff)", r"short[- ]staffed", r"staff shortages?",
        r"(?:company|our|store|internal) polic(?:y|ies)", r"those are the rules", r"only human",
        r"(?:these|such) things (?:do )?happen", r"mistakes (?:do )?happen",
        r"as (?:you can|you will|you'll|I am sure you|I'm sure you) (?:surely )?(?:imagine|understand|appreciate)",
        r"you (?:have to|must|need to|should) understand", r"(?:we are|we're|I am|I'm|we were|I was) (?:very|so|extremely|too) busy",
        r"in (?:our|my) defen[cs]e", r"to be fair to", r"(?:it is|it's|it was|this is|that is|that was|was|is)(?: not|n't) (?:our|my) fault",
        r"(?:through|by) no fault of (?:ours|our own|mine)", r"nothing (?:that )?(?:we|I) (?:can|could) do", r"bear with us",
    ),
    "blame": (
        r"you (?:should|could|ought to|might|must) have", r"you should've", r"you (?:failed|neglected|omitted|refused) to",
        r"your (?:own )?(?:fault|mistake|error|negligence|misunderstanding|failure|oversight)",
        r"you (?:misunderstood|misread|overlooked|ignored|forgot)", r"as (?:we|I)(?: have|'ve)? (?:already|clearly|previously|repeatedly) (?:told|explained|informed|stated|mentioned)", r"you (?:did not|didn't) (?:tell|read|follow|provide|give|inform|check|listen|mention)",
        r"had you (?:only )?(?:told|read|followed|checked|given|asked)", r"you (?:claim|allege|insist)(?:ed)?",
        r"if you had (?:only |just )?(?:told|read|followed|checked|given|asked)", r"user error",
    ),
    "passive": (
        r"(?:mistakes?|errors?) (?:was|were|has been|have been|got) made",
        r"an? (?:error|mistake|mix-?up|misunderstanding|oversight) (?:has |had |may have |must have )?(?:occurred|happened|arose|arisen|crept)",
        r"there (?:was|were|has been|have been|seems to have been|must have been) (?:an? |some )?(?:\w+ )?(?:errors?|mistakes?|mix-?ups?|misunderstandings?|oversights?|miscommunications?)",
        r"(?:was|were|got|has been|have been) (?:overlooked|mishandled|forgotten about)", r"it (?:appears|would appear|seems|would seem) (?:that|as if)",
        r"something went wrong",
    ),
    "over-promise": (
        r"(?:I|we)(?: can| do| will|'ll)?(?: absolutely| fully| personally| certainly)? guarantee", r"guarantee (?:you )?that",
        r"guaranteed (?:to|that|not)", r"you have (?:my|our) (?:guarantee|word of honou?r)", r"never(?: ever)? again",
        r"never(?: ever)? (?:happen|occur)s?(?: to you)? again", r"(?:won't|will not|cannot|can't|shall not)(?: ever)? (?:happen|occur)(?: to you)? again",
        r"will never (?:happen|occur|be)(?: to you)?(?: again)?", r"(?:100|a hundred|one hundred) ?(?:%|per ?cent)(?! (?:of|off|refund|discount|cotton|wool|recycled|juice))",
        r"will (?:definitely|certainly|absolutely|always|never)", r"(?:definitely|certainly|absolutely) (?:will|never)", r"without fail",
        r"at all costs?", r"no matter what", r"(?:absolutely|completely|totally|perfectly) (?:sure|certain)", r"(?:I|we) swear", r"you can be certain",
    ),
    "over-promise-unless": (r"(?:not|cannot|\w+n't|nobody can|no one can|never) (?:promise|guarantee)",),
    "contact-us": (
        r"please (?:do )?(?:contact|call|phone|ring|e-?mail|write to|get in touch with|reach out to) (?:us|me|our|the)",
        r"(?:contact|call|e-?mail|turn to) (?:our|the) (?:customer|support|service|help|hotline|call cent)",
        r"(?:do not|don't) hesitate to", r"feel free to (?:contact|call|reach|get in touch)", r"for (?:any )?(?:further|more) (?:questions|information|details)",
        r"reach out to us",
    ),
    "sympathy": (
        r"(?:feel|am|are|felt) (?:so |very |really |truly |terribly )?(?:bad|sorry|terrible|awful) for you", r"sympathi[sz]e", r"(?:my|our) (?:deepest |heartfelt )?sympath(?:y|ies)",
        r"poor you", r"what a (?:pity|shame|nightmare)", r"must (?:be|have been) (?:so |very |really )?(?:awful|terrible|horrible|dreadful|devastat\w+)",
        r"feel your pain", r"(?:I|we) pity", r"(?:know|understand)(?: exactly| fully| completely| totally| just)? how you (?:feel|felt|must)",
    ),
    "jargon": (
        r"(?-i:RMA|SKU|SLA|ETA|RCA|KPI|POC|EOD|COB|CRM|ERP)", r"(?:tier|level)[- ](?:1|2|3|one|two|three) (?:support|team|agent)", r"root[- ]cause analysis",
        r"as per", r"per (?:our|my|your) (?:last|records|policy|previous)", r"going forward", r"at your earliest convenience", r"aforementioned", r"hereby", r"herewith",
        r"pursuant to", r"kindly (?:note|be|do|advise)", r"stakeholders?", r"touch base", r"back[- ]?end system", r"escalation matrix", r"deliverables?", r"action items?",
    ),
    "gift-card": (r"gift[- ]?cards?", r"gift (?:codes?|vouchers?|certificates?)", r"e-?gift"),
    "effort": (
        r"(?:fill (?:in|out)|complete) (?:the|our|this|an?) (?:\w+ )?form", r"at your (?:own )?(?:cost|expense)",
        r"you (?:will |must |'ll )?(?:need to|have to|must) (?:pay|send|return|bring|call|fill|register|submit|provide|print|post|come)",
        r"please (?:send|return|provide|submit|upload|attach|forward|post) (?:us|me|the|your|a|an)", r"open a (?:new )?ticket", r"the (?:postage|shipping) is (?:yours|on you)",
    ),
    "not-yet-done": (
        r"(?:we|I|they|it|this|that|there|labels|team|staff|people|orders|parcels)(?:'ll| will| are going to| is going to| intend to| plan to| aim to| hope to| try to)",
        r"(?:will|shall) (?:be|have)", r"(?:is|are) (?:planned|going to|to be)", r"in (?:the )?future,? (?:we|I|they)", r"are (?:looking into|working on|considering)",
    ),
}  # fmt: skip
