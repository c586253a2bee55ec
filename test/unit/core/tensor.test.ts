import { describe, expect, it } from '@jest/globals';
import { bytesOf, isDType, mapTensors, sliceData, type Tensors, tensor, tensorOf } from '../../../src/core/tensor.ts';

const tensors: Tensors = {
  scores: tensor('float32', [2], Float32Array.of(1, 2)),
  names: tensor('string', [2], ['a', 'b']),
};

describe('tensors', () => {
  it('are found by name with the data type that was asked for', () => {
    expect(tensorOf(tensors, 'scores', 'float32').data).toEqual(Float32Array.of(1, 2));
  });

  it.each([
    ['ids', 'tensor "ids" is missing, expected float32'],
    ['names', 'tensor "names" is string, expected float32'],
  ])('refuse the name %s, which has no tensor of the data type', (name, message) => {
    expect(() => tensorOf(tensors, name, 'float32')).toThrow(message);
  });

  it('keep their names when they are replaced', () => {
    const shapes = mapTensors(tensors, ({ shape }, name) => tensor('string', shape, [name, name]));

    expect(shapes.scores).toEqual({ dtype: 'string', shape: [2], data: ['scores', 'scores'] });
    expect(Object.keys(shapes)).toEqual(['scores', 'names']);
  });

  it('share the memory of a slice, except for strings', () => {
    const data = Int32Array.of(1, 2, 3);

    const slice = sliceData(data, 1, 3);
    data[1] = 7;

    expect(slice).toEqual(Int32Array.of(7, 3));
    expect(sliceData(['a', 'b', 'c'], 1, 2)).toEqual(['b']);
  });

  it('show the bytes of a view, and only those', () => {
    const view = Uint16Array.of(1, 0x0203, 4).subarray(1, 2);

    expect([...bytesOf(view)]).toEqual([0x03, 0x02]);
  });

  it.each([
    ['float16', true],
    ['int4', false],
    ['toString', false],
  ])('know whether %s is a data type', (name, known) => {
    expect(isDType(name)).toBe(known);
  });
});
