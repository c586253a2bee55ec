"""Prompts for decoders, and the sentences that their tokenizers are trained on."""

SENTENCES = """The weather is fine today, and we are going to the market.
She reads a book every evening before she goes to sleep.
How much does this cost? It is too expensive for me.
I would like a cup of coffee with milk and two pieces of sugar.
The train to the city leaves at nine o'clock from platform four.
Our children play in the garden behind the house.
He has never seen the sea, but he knows many stories about ships.
Please close the window; it is getting cold in here.
They bought 3 apples, 12 eggs and 0.5 kg of flour for $7.45.
Le temps est beau aujourd'hui, et nous allons au marché.
Das Wetter ist heute schön, und wir gehen auf den Markt.
¿Dónde está la estación más cercana? Gire a la izquierda.
Сегодня хорошая погода, и мы идём на рынок.
今天天气很好，我们去市场。
الطقس جميل اليوم ونحن ذاهبون إلى السوق.
מזג האוויר יפה היום ואנחנו הולכים לשוק.""".splitlines()

PROMPTS = [
    "The weather is",
    "",
    "a",
    " ",
    "\n\n",
    "  two  spaces   and a tab\there ",
    "I love it 😀👩‍👩‍👧 🇫🇷!",
    "שלום world, привет 世界 ①②",
    "الطقس جميل اليوم",
    "今天天气很好，我们去市场。",
    "UPPER lower MiXeD",
    "naïve café, Ærøskøbing, Ångström",
    "e\u0301a\u0300 combining and é composed",
    "<s> </s> <unk> <|endoftext|> [INST] <bos> <eos> in the text",
    "http://example.com/?q=1&r=2#x (50%) [a] {b} \\ | ~ ^",
    "zero\u200bwidth\u00a0space\u00adhyphen",
    "def f(x):\n    return x ** 2\n",
    "1 2 3 4 5 6 7 8 9 10",
    "don't can't won't we'll",
    "Hello, how are you?",
    "🤖🤖🤖",
    "ﬁne ﬂow １２３ ǅ ß ſ ﷺ ½ ℃",
    "user: What is the capital of France?\nassistant:",
    "\t",
    "...",
    SENTENCES[0],
    " ".join(SENTENCES[:3]),
]
LONG = "The market is cold. "  # repeated to some 2,000 tokens
NEW_TOKENS = 20
