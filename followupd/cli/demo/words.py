"""What the people of the demo write, in their own words."""

KIM = "kim@customers.example"
KIM_NAME = "Kim Doe"
#: the gift card in stock, in the company's currency
CARD = "20.00"

OLD_COMPLAINT = """\
Good afternoon,

my order 4471 never came, and nobody answers me. I want my money back.

Lou Finch
"""

COMPLAINT = """\
Hello,

three weeks ago I ordered a reading lamp, and my parcel has still not arrived.
I have written twice and nobody answers. It was meant as a present for my
mother, and her birthday was yesterday. I am very disappointed.

Please send it at last, or give me my money back.

Kim Doe
+44 20 7946 0958
"""

REPLY = """\
Dear Kim,

I have found out what happened, and I am sorry: your parcel never left our
warehouse. I will ship a replacement by Friday, and we will refund you 12.50 GBP
for the delivery.

Ana
"""

#: Ana's answer to the desk mail that asks what is missing: one line each, as a note (CONTRACT.md)
NOTE = """\
{lines}
gift-card: {card} {currency}
fault: ours
impact: Your mother's birthday came without her present.
cause: The label came off your parcel in our warehouse, and it stood there for two weeks.
resolution: A new lamp left on Thursday by express, and the money for the delivery is on its way to you.
prevention: Every evening we now look for parcels without a label, and send them the same day.
"""
