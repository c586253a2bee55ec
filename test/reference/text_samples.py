"""Texts that references are made of: a small corpus of many scripts to train tiny tokenizers on, and strings that are hard to tokenise."""

CORPUS = """\
The quick brown fox jumps over the lazy dog, and the dog does not mind at all.
I really loved this film: the acting was great, the music even better!
What a terrible waste of money; the battery died after two days, and nobody answered my e-mails.
She said: "Don't you think it's been raining since 7:45 a.m.?" He didn't reply.
Our meeting in Berlin on 12/03/2024 cost 1,234.56 euros, i.e. about $1,300 (20% more than planned).
Der Kölner Dom steht in Köln am Rhein, und die Straße heißt Domstraße.
Ich hätte gerne zwei Brötchen, drei Äpfel und ein Stück Käsekuchen, bitte.
Où est la bibliothèque ? L'été dernier, j'ai lu « Les Misérables » à Orléans.
El niño comió piñas y bebió café con leche mañana por la mañana. ¡Qué rico!
São Paulo é a maior cidade do Brasil; não é a capital.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Zażółć gęślą jaźń, powiedział Łukasz.
Быстрая коричневая лиса прыгает через ленивую собаку.
Мне очень понравился этот фильм, спасибо большое!
Η γρήγορη καφέ αλεπού πηδά πάνω από το τεμπέλικο σκυλί. ΟΔΥΣΣΕΥΣ
השועל החום המהיר קופץ מעל הכלב העצלן.
الثعلب البني السريع يقفز فوق الكلب الكسول. مَرْحَبًا بِكُم
हम सब मिलकर एक अच्छी दुनिया बना सकते हैं।
ฉันรักภาษาไทยและอาหารไทยมาก
我喜欢在北京吃烤鸭，天气很好。
今日は東京でとても美味しいラーメンを食べました。
나는 서울에서 친구를 만났습니다. 감사합니다!
Tôi yêu tiếng Việt và phở bò Hà Nội.
İstanbul'da güneşli bir gün; çok güzel, değil mi?
😀 😃 🎉 🚀 ❤️ 👍 👨‍👩‍👧‍👦 🇩🇪 🇫🇷 ok
def main(argv): return [x ** 2 for x in range(10) if x % 2 == 0]
https://example.com/path?query=1&other=two#fragment user@example.com @someone #hashtag
"""

HARD = [
    "", " ", "   ", "\t", "\n", "\r\n", " \u00a0\u2003\u3000 ", "\u200b", "a", "A", ".", "...", "'", "\"",
    "Hello, world!", " Hello", "Hello ", "  Hello   world  ", "Hello\tworld\nnew line\r\nand  more",
    "don't can't I'm you're they've he'd we'll it's DON'T", "a.b.c", "(a)[b]{c}<d>", "100,000.50 $3.99 50% #1",
    "e-mail: first.last@example.com", "https://example.com/a?b=c&d=e#f", "snake_case camelCase PascalCase kebab-case",
    "Köln", "KÖLN", "Ko\u0308ln", "ÀÉÎÕÜ", "A\u0300E\u0301I\u0302O\u0303U\u0308", "naïve façade résumé", "Straße STRASSE ẞ",
    "İstanbul ıI", "ΟΔΥΣΣΕΥΣ σίγμα ς", "ǅ ǆ Ǆ", "ﬁne ﬂow ﬃ", "①②③ ½ ² ™ ℡ ㎏", "Ⅳ ⅷ", "ｆｕｌｌ ｗｉｄｔｈ １２３", "ﾊﾝｶｸ ｶﾞ",
    "a\u0323\u0307 a\u0307\u0323 q\u0307\u0323", "\u0301leading mark", "e\u0301\u0301\u0301", "Z\u0351\u036b\u0343\u0368a\u0322\u031bl\u0321g\u0327o",
    "각 가나다 \u1100\u1161\u11a8 한국어", "나는 서울에서", "我喜欢北京", "天气很好。吃烤鸭！", "今日は東京で", "が か\u3099 ガ", "漢字とひらがなとカタカナ",
    "\U00020000\U0002a700 rare ideographs 㐀", "中a文b字", "中文 English 混合", "ฉันรักภาษาไทย", "हम सब मिलकर", "क्षत्रिय ज्ञान", "தமிழ்",
    "השועל החום", "שָׁלוֹם", "الثعلب البني", "مَرْحَبًا", "لا إله \ufefb", "mixed עברית and العربية text", "\u202eright to left\u202c", "\u200fא\u200e",
    "😀", "😀😃", "ok 😀 ok", "👍🏽", "👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "❤️ ❤", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a😀b", "é😀é", "😀Köln😀", "🎉🚀\u200d",
    "𝕳𝖊𝖑𝖑𝖔 𝒘𝒐𝒓𝒍𝒅", "𐍈𐌰𐌽", "𓀀𓂀", "\ufffd", "a\ufffdb", "\u0000a\u0000", "\u0001\u0007\u001b[0m", "a\u00adb", "zero\u200bwidth\u200djoin\u200cer", "\ufeffbom",
    "\u2028line\u2029sep\u0085nel", "x\u000by\u000cz", "« guillemets » — dash – “quotes” ‘single’ …", "¿Qué? ¡Sí!", "50€ £20 ¥100 ₹5", "a~b`c^d|e\\f", "© ® ° ± × ÷", "α+β=γ ∑∫√∞ ≠ ≤",
    "[UNK]", "[MASK] is here", "Hello [MASK].", "[CLS] a [SEP] b", "<s>text</s>", "A <mask> B", "A<mask>B", " <mask> ", "<mask><mask>", "<unk>", "<pad>", "<|endoftext|>", "a <|endoftext|> b",
    "<extra_id_0> and <extra_id_1>", "NEWTOKEN", "a NEWTOKEN b", "xNEWTOKENx", "newtoken", "wholeword", "a wholeword.", "wholewords", "Lower Added", "▁", "a▁b ▁▁", "Ġ Ċ Ġhello", "##ing ## #", "<0x41>", "do not",
    "a" * 101, "ab" * 120, "supercalifragilisticexpialidocious" * 4, "の" * 30, "😀" * 20, "a " * 60, "!" * 70, " " * 40 + "x", "é" * 50, "\u0301" * 30, "-" * 30 + "\n" * 5 + "=" * 30,
    "The quick brown fox jumps over the lazy dog. " * 4, "def f(x):\n    return x + 1\n\n\nprint(f(2))", "{\"key\": [1, 2.5e-3, null, true]}", "<p class=\"x\">Hello&nbsp;<b>world</b></p>",
    "Příliš žluťoučký kůň", "Zażółć gęślą jaźń", "Tôi yêu tiếng Việt", "Быстрая лиса", "Ёлка й и\u0306", "Ελληνικά ά α\u0301", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "ქართული", "Հայերեն", "አማርኛ", "ខ្មែរ", "မြန်မာ", "བོད་",
    "I really loved this film!", "What a terrible waste of money.", "not bad at all , is it ?", "He said ' hello ' . n't 's",
]  # fmt: skip

PAIRS = [
    ("Hello", "world"), ("", ""), ("a", ""), ("", "b"), ("How old are you?", "I am 42 years old."), ("Köln 😀", "天气很好"),
    ("The quick brown fox jumps over the lazy dog. " * 3, "short"), ("short", "The quick brown fox jumps over the lazy dog. " * 3),
    ("The quick brown fox " * 6, "jumps over the lazy dog " * 6), (" leading", " leading"), ("<mask> a", "b <mask>"),
]  # fmt: skip
