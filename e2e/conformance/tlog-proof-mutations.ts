/** A change of a `.tlog-proof` file whose checkpoint a log signed and a witness cosigned. */
export interface TlogProofMutation {
  readonly name: string;
  readonly change: (text: string) => string;
}

const COSIGNATURE = /^\u2014 witness\.\S+ (\S+)$/m;

/** Changes that both readers must notice. */
export const TLOG_PROOF_MUTATIONS: readonly TlogProofMutation[] = [
  { name: 'another first line', change: (text) => text.replace('@v1', '@v2') },
  { name: 'no first line', change: (text) => text.slice(text.indexOf('\n') + 1) },
  { name: 'another index', change: (text) => text.replace('index 700', 'index 701') },
  { name: 'an index with a leading zero', change: (text) => text.replace('index 700', 'index 0700') },
  { name: 'an index with a plus sign', change: (text) => text.replace('index 700', 'index +700') },
  { name: 'an index beyond the tree', change: (text) => text.replace('index 700', 'index 1000') },
  { name: 'no index', change: (text) => text.replace('index 700\n', '') },
  { name: 'the extra line behind the index', change: (text) => text.replace('index 700\n', 'index 700\nextra AAAA\n') },
  { name: 'a hash left out', change: (text) => text.replace(/(index 700\n)\S+\n/, '$1') },
  { name: 'a hash more', change: (text) => text.replace(/(index 700\n)(\S+\n)/, '$1$2$2') },
  { name: 'two hashes exchanged', change: (text) => text.replace(/(index 700\n)(\S+\n)(\S+\n)/, '$1$3$2') },
  { name: 'a hash changed', change: (text) => text.replace(/(index 700\n)(.)/, (_, line: string, letter: string) => `${line}${letter === 'A' ? 'B' : 'A'}`) },
  { name: 'a hash without padding', change: (text) => text.replace(/(index 700\n\S+)=\n/, '$1\n') },
  { name: 'no empty line before the checkpoint', change: (text) => text.replace('\n\n', '\n') },
  { name: 'CRLF for LF', change: (text) => text.replaceAll('\n', '\r\n') },
  { name: 'another tree size in the checkpoint', change: (text) => text.replace('\n1000\n', '\n1001\n') },
  { name: 'no signature of the log', change: (text) => text.replace(/^\u2014 log\.\S+ \S+\n/m, '') },
  { name: 'no cosignature', change: (text) => text.replace(/^\u2014 witness\.\S+ \S+\n/m, '') },
  { name: 'another time in the cosignature', change: (text) => editCosignature(text, (bytes) => (bytes[11]! ^= 1)) },
  { name: 'a bit of the cosignature flipped', change: (text) => editCosignature(text, (bytes) => (bytes[40]! ^= 1)) },
  { name: 'another key ID of the witness', change: (text) => editCosignature(text, (bytes) => (bytes[0]! ^= 1)) },
  { name: 'another name of the witness', change: (text) => text.replace('witness.example/w1', 'witness.example/w3') },
  { name: 'a cosignature of 71 bytes', change: (text) => text.replace(COSIGNATURE, (line, base64: string) => line.replace(base64, Buffer.from(base64, 'base64').subarray(0, -1).toString('base64'))) },
];

function editCosignature(text: string, change: (bytes: Buffer) => void): string {
  return text.replace(COSIGNATURE, (line, base64: string) => {
    const bytes = Buffer.from(base64, 'base64');
    change(bytes);
    return line.replace(base64, bytes.toString('base64'));
  });
}
