import { describe, expect, it } from '@jest/globals';
import { PyClass, PyObject } from '../../../../src/formats/pickle/values.ts';
import { Estimator } from '../../../../src/formats/sklearn/estimator.ts';
import { translatePattern } from '../../../../src/formats/sklearn/text/python-pattern.ts';

const VECTORIZER = new Estimator(
  new PyObject(new PyClass('sklearn.feature_extraction.text', 'CountVectorizer')),
  '1.7.2',
);

const find = (pattern: string, text: string): string[] =>
  Array.from(text.matchAll(new RegExp(translatePattern(VECTORIZER, pattern), 'gv')), ([match]) => match);

/** The expectations are those of Python 3.11's `re.findall`. */
describe('patterns of Python', () => {
  it.each([
    ['(?u)\\b\\w\\w+\\b', 'a Äpfel x² e\u0301te\u0301 ٣٤', ['Äpfel', 'x²', 'te', '٣٤']],
    ['\\d+', '12 ٣٤ ²', ['12', '٣٤']],
    ['[^\\W\\d_]+', 'ab_c1d', ['ab', 'c', 'd']],
    ['[]a-c-]+', 'x]-bq', [']-b']],
    ['a{,2}b', 'aaab', ['aab']],
    ['x{y}', 'x{y} xy', ['x{y}']],
    ['[&&]+', 'a&&b', ['&&']],
    ['\\u00e9|\\x41', 'éA', ['é', 'A']],
    ['.$', 'ab\n', ['b']],
    ['\\s', '\x1c\ufeff\x85', ['\x1c', '\x85']],
    ["(?<![a-z])[a-z]+(?='s)", "dog's cats", ['dog']],
    ['\\B\\w', 'ab c', ['b']],
    ['a/b', 'a/b', ['a/b']],
  ])('%s finds the same words', (pattern, text, words) => {
    expect(find(pattern, text)).toEqual(words);
  });

  it.each([
    '(?i)abc',
    '(?P<word>\\w+)',
    '(a)\\1',
    'a++',
    '(?#note)a',
    '(?(1)a|b)',
    '\\N{DIGIT ONE}',
    '(',
    '\\Qa',
    '[z-a]',
  ])('%s is refused', (pattern) => {
    expect(() => translatePattern(VECTORIZER, pattern)).toThrow(
      /^sklearn\.feature_extraction\.text\.CountVectorizer \(scikit-learn 1\.7\.2\): token_pattern is .* has no equal in JavaScript/,
    );
  });
});
