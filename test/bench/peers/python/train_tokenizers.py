"""Trains tokenizers as GPT-2 and T5 have them. Usage: train_tokenizers.py <folder to make> <text file>..."""

import json
import os
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

VOCABULARY = 16_000
folder, *files = sys.argv[1:]


def save(tokenizer, name, config):
    os.makedirs(os.path.join(folder, name))
    tokenizer.save(os.path.join(folder, name, "tokenizer.json"))
    with open(os.path.join(folder, name, "tokenizer_config.json"), "w") as file:
        json.dump(config, file)


pairs = Tokenizer(models.BPE())
pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
pairs.decoder = decoders.ByteLevel()
letters = pre_tokenizers.ByteLevel.alphabet()
options = {"vocab_size": VOCABULARY, "show_progress": False}
pairs.train(files, trainers.BpeTrainer(initial_alphabet=letters, special_tokens=["<|endoftext|>"], **options))
save(pairs, "bpe", {"tokenizer_class": "GPT2Tokenizer"})

pieces = Tokenizer(models.Unigram())
pieces.normalizer = normalizers.NFKC()
pieces.pre_tokenizer = pre_tokenizers.Metaspace()
pieces.decoder = decoders.Metaspace()
specials = ["<pad>", "</s>", "<unk>"]
pieces.train(files, trainers.UnigramTrainer(special_tokens=specials, unk_token="<unk>", **options))
save(pieces, "unigram", {"tokenizer_class": "T5Tokenizer"})
