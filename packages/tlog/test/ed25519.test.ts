import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as node from '../dist/ed25519-node.js';
import * as portable from '../dist/ed25519-portable.js';
import { flipped, fromHex, toHex } from './support/testdata.ts';

// RFC 8032 §7.1, tests 1 to 3.
const RFC_8032 = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

describe.each([
  ['node', node],
  ['portable', portable],
])('ed25519 (%s)', (_, { ed25519PublicKey, ed25519Sign, ed25519Signer, ed25519Verify }) => {
  it.each(RFC_8032)('gives the answers of RFC 8032 for message "$message"', async ({ seed, publicKey, message, signature }) => {
    expect(toHex(await ed25519PublicKey(fromHex(seed)))).toBe(publicKey);
    expect(toHex(await ed25519Sign(fromHex(seed), fromHex(message)))).toBe(signature);
    expect(await ed25519Verify(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true);
  });

  it('refuses every changed byte of key, message and signature', async () => {
    const seed = new Uint8Array(randomBytes(32));
    const message = new Uint8Array(randomBytes(20));
    const signer = await ed25519Signer(seed);
    const { publicKey } = signer;
    const signature = await signer.sign(message);
    expect(signature).toHaveLength(64);
    for (let i = 0; i < 32; i++) expect(await ed25519Verify(flipped(publicKey, i), message, signature)).toBe(false);
    for (let i = 0; i < 20; i++) expect(await ed25519Verify(publicKey, flipped(message, i), signature)).toBe(false);
    for (let i = 0; i < 64; i++) expect(await ed25519Verify(publicKey, message, flipped(signature, i))).toBe(false);
    for (const length of [0, 32, 63]) expect(await ed25519Verify(publicKey, message, signature.subarray(0, length))).toBe(false);
    expect(await ed25519Verify(publicKey, message, new Uint8Array([...signature, 0]))).toBe(false);
  });

  it('verifies with more keys than it keeps, each with its own', async () => {
    const message = new Uint8Array(randomBytes(20));
    const pairs = Array.from({ length: 70 }, () => {
      const pair = generateKeyPairSync('ed25519');
      const publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(12));
      return { publicKey, signature: new Uint8Array(sign(null, message, pair.privateKey)) };
    });
    for (const { publicKey, signature } of [...pairs, ...pairs]) expect(await ed25519Verify(publicKey, message, signature)).toBe(true);
    expect(await ed25519Verify(pairs[0]!.publicKey, message, pairs[1]!.signature)).toBe(false);
  });

  it('takes copies: arrays may be reused as soon as the promise is there', async () => {
    const seed = fromHex(RFC_8032[2]!.seed);
    const signer = await ed25519Signer(seed);
    seed.fill(0);
    const message = fromHex(RFC_8032[2]!.message);
    const signed = signer.sign(message);
    message.fill(0);
    const signature = fromHex(RFC_8032[2]!.signature);
    expect(await signed).toEqual(signature);
    const again = fromHex(RFC_8032[2]!.message);
    const verified = ed25519Verify(signer.publicKey, again, signature);
    again.fill(0);
    signature.fill(0);
    expect(await verified).toBe(true);
  });

  it.each([0, 31, 33, 64])('rejects keys of %s bytes', async (length) => {
    const key = new Uint8Array(length);
    await expect(ed25519Sign(key, key)).rejects.toThrow(RangeError);
    await expect(ed25519PublicKey(key)).rejects.toThrow(RangeError);
    await expect(ed25519Verify(key, key, new Uint8Array(64))).rejects.toThrow(RangeError);
  });
});

it('has both variants export the same names, and verifies at once where it can', async () => {
  expect(Object.keys(node).toSorted()).toEqual(Object.keys(portable).toSorted());
  const { publicKey, message, signature } = RFC_8032[1]!;
  expect(node.ed25519VerifySync?.(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true);
  expect(node.ed25519VerifySync?.(fromHex(publicKey), fromHex(message), flipped(fromHex(signature)))).toBe(false);
  expect(portable.ed25519VerifySync).toBeUndefined();
});
