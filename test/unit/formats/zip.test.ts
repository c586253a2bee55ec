import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { zipSync } from 'fflate';
import { readZip } from '../../../src/formats/zip.ts';
import { zipOf } from '../../support/zip-assembler.ts';

const content = Buffer.from('content '.repeat(100));
const file = { name: 'a', content };

const readAll = (archive: Uint8Array) => [...readZip(archive)].map(([name, read]) => [name, read().toString()]);

describe('a zip archive', () => {
  it('is read by name, stored or deflated', () => {
    const archive = zipSync({
      'a.txt': [content, { level: 0 }],
      'folder/b.txt': [content, { level: 9 }],
      empty: new Uint8Array(),
    });
    expect(readAll(archive)).toEqual([
      ['a.txt', String(content)],
      ['folder/b.txt', String(content)],
      ['empty', ''],
    ]);
  });

  it('may have a comment', () => {
    const archive = Buffer.concat([zipOf([file], { 20: 3 }), Buffer.from('abc')]);
    expect(readAll(archive)).toEqual([['a', String(content)]]);
  });

  it('has folders, which are no files', () => {
    expect(readAll(zipOf([{ name: 'folder/', content: Buffer.alloc(0) }]))).toEqual([]);
  });

  it.each<[string, Buffer, string]>([
    ['no archive', Buffer.from('text'), 'it is no zip archive'],
    ['an archive without its end', zipOf([file]).subarray(0, -1), 'it is no zip archive, or was cut short'],
    [
      'a name outside of the archive',
      zipOf([{ ...file, name: 'a/../../b' }]),
      '"a/../../b", expected a path inside the archive',
    ],
    ['an absolute name', zipOf([{ ...file, name: '/etc/passwd' }]), 'expected a path inside the archive'],
    ['a name of Windows', zipOf([{ ...file, name: 'C:/a' }]), 'expected a path inside the archive'],
    ['a name with a backslash', zipOf([{ ...file, name: '..\\a' }]), 'expected a path inside the archive'],
    ['a name twice', zipOf([file, file]), 'two entries of one name'],
    ['a bomb', zipOf([{ ...file, bytes: 500e6 }]), 'has 500.0 MB when it is inflated, expected 128.0 MB at most'],
    [
      'a bomb of many files',
      zipOf(Array.from({ length: 9 }, (_, index) => ({ name: `${index}`, content, bytes: 16e6 }))),
      'has 144.0 MB',
    ],
    ['a size of zip64', zipOf([{ ...file, bytes: 2 ** 32 - 1 }]), 'has 4.3 GB when it is inflated'],
    ['a place of the directory that lies', zipOf([file], { 16: 1 }), 'the directory of the zip archive is damaged'],
    ['a place beyond the archive', zipOf([file], { 19: 255 }), 'the zip archive is damaged or was cut short'],
    ['a count of entries that lies', zipOf([file], { 10: 2 }), 'the directory of the zip archive is damaged'],
    ['more entries than a model has', zipOf([file], { 10: 255, 11: 255 }), '65535 entries or more'],
  ])('%s is refused before anything is inflated', (_what, archive, message) => {
    expect(() => readZip(archive)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it.each<[string, Buffer, string]>([
    ['a size that lies', zipOf([{ ...file, isDeflated: true, bytes: 10 }]), 'damaged'],
    [
      'a file of another content',
      zipOf([{ ...file, isDeflated: true, stored: deflateRawSync(Buffer.from('x'.repeat(content.length))) }]),
      '"a" in the zip archive is damaged',
    ],
    ['a deflated file that is none', zipOf([{ ...file, isDeflated: true, stored: Buffer.from('none') }]), 'damaged'],
    ['an encrypted file', zipOf([{ ...file, flags: 1 }]), '"a" in the zip archive is encrypted'],
  ])('%s is refused when it is read', (_what, archive, message) => {
    expect(() => readZip(archive).get('a')?.()).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
