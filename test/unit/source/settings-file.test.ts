import { describe, expect, it } from '@jest/globals';
import { readLabels } from '../../../src/source/settings-file.ts';

describe('labels of config.json', () => {
  it.each([
    [{ id2label: { 0: 'no', 1: 'yes' } }, ['no', 'yes']],
    [{ id2label: ['no', 'yes'] }, ['no', 'yes']],
    [{ id2label: { 0: 7, 1: true } }, ['7', 'true']],
    [{}, ['LABEL_0', 'LABEL_1']],
    [{ id2label: null }, ['LABEL_0', 'LABEL_1']],
    [{ num_labels: 3 }, ['LABEL_0', 'LABEL_1', 'LABEL_2']],
  ])('%j gives the labels of transformers', (config, labels) => {
    expect(readLabels(config)).toEqual(labels);
  });

  it.each([
    [{ num_labels: 0 }, '"num_labels" in config.json is 0'],
    [{ num_labels: 1e9 }, '"num_labels" in config.json is 1000000000'],
    [{ id2label: 'a' }, '"id2label" in config.json is "a", expected the names of the classes'],
    [{ id2label: ['a', null] }, 'no label for class 1'],
    [{ id2label: { 0: { name: 'a' } } }, 'no label for class 0'],
    [{ id2label: { 1: 'a' } }, 'no label for class 0'],
  ])('%j is refused', (config, message) => {
    expect(() => readLabels(config)).toThrow(message);
  });
});
