"""The words of a choice: numbers, and what people of four languages wrap around one; any other word makes it unclear.

Lower case, without accents.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBERS = {
    1: "1 one first 1st former eins erste ersten erstere ersteres premiere premier uno una primera primero",
    2: "2 two second 2nd zwei zweite zweiten deuxieme second seconde dos segunda segundo",
    3: "3 three third 3rd drei dritte dritten troisieme trois tercera tercero tres",
    4: "4 four fourth 4th vier vierte vierten quatrieme quatre cuarta cuarto cuatro",
    5: "5 five fifth 5th funf funfte funften cinquieme cinq quinta quinto cinco",
    6: "6 six sixth 6th sechs sechste sechsten sixieme sexta sexto seis",
}
#: every word that names the number of an option
NUMBERS = {word: n for n, words in _NUMBERS.items() for word in words.split()}
#: the last one on offer
LAST = _words("last latter letzte letzten letztere derniere dernier ultima ultimo")
#: "the second one", "una opción": a number only where no other one stands
SOFT = _words("one una uno")
ONLY_OF_TWO = _words("former latter erstere ersteres letztere")

WRAPPING = _words("""
option number nr please thanks thank you many very much the one i i'd i'll would will like prefer choose choice
take want go for with let's do have my suits suit me us best better works work fine good great perfect is be it
that's hi hello dear kind regards ok okay yes a lot hey hiya morning afternoon evening we we'd we'll we've i've
think then so definitely certainly ahead sounds looks seems again cheers and your our help happy happiest
patience sorting x could can most more rather opt vote pick picking going choosing taking decided wishes
sincerely hope well suitable this that to of moglichkeit nummer variante bitte danke vielen dank besten schon
die der das den ich nehme nehmen wir wahle mochte hatte gern gerne ware mir uns am lieber passt passen besser
gut hallo viele grusse liebe lg mfg mit freundlichen ist sei wurde wurden bevorzuge bevorzugen entscheiden sagt
zu eher dann also muhe hilfe ihre ihnen herzlichen herzliche guten tag morgen und wir's waere liebsten sehr
entscheide mich fur ja prima super le la l' numero n merci beaucoup s'il vous plait svp je j' prefere choisis
prends voudrais convient mieux nous pour proposition solution on prenons choisissons preferons preference va
vont allons avec alors plutot vais prendre de votre aide et bien c'est ce sera serait ira oui bonjour
cordialement est c' parfait s' il d' opcion el gracias muchas por favor prefiero elijo quiero viene mejor nos
con quedo hola saludos un saludo si seria perfecto escojo nosotros preferimos quedamos creo mas buenos buenas
dias tardes su ayuda y propuesta solucion elegimos entonces conviene convendria gustaria gusta quisiera vamos
""")
