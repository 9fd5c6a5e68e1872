import type { Signer } from '@indelible/log';
import { formatBase64, parseVerifierKey } from '@indelible/tlog';

/**
 * Signs any text as a note, well-formed or not: the holder of a key can sign what the library refuses to write.
 *
 * @see C2SP signed-note v1.0.0
 */
export async function signText(text: string, signer: Pick<Signer, 'vkey' | 'sign'>): Promise<string> {
  return `${text}\n${await signatureLine(text, signer)}`;
}

async function signatureLine(text: string, signer: Pick<Signer, 'vkey' | 'sign'>): Promise<string> {
  const { name, keyId } = parseVerifierKey(signer.vkey);
  const signature = await signer.sign(new TextEncoder().encode(text));
  return `\u2014 ${name} ${formatBase64(new Uint8Array([...keyId, ...signature]))}\n`;
}
