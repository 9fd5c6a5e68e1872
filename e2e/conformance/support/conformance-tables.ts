import { HARMLESS, MUTATIONS, MUTATION_GROUPS, UNDETECTABLE } from '../mutations.ts';
import { SIZES, expectedVerdict, type Mutation } from '../mutations/mutation.ts';
import { CONSISTENCY_MUTATIONS, INCLUSION_MUTATIONS } from '../proof-mutations.ts';
import { RECORD_HARMLESS, RECORD_MUTATIONS, RECORD_UNDETECTABLE } from '../record-mutations.ts';
import { TLOG_PROOF_MUTATIONS } from '../tlog-proof-mutations.ts';
import type { VerifierName } from './verifiers.ts';

const COLUMNS: readonly VerifierName[] = ['@indelible/verify', 'golang.org/x/mod', '@sigstore/verify'];

interface Named {
  readonly name: string;
}

/** What the tests demand of each verifier, for `docs/reference/conformance.md`: made of the tables that the tests run. */
export function formatConformanceTables(): string {
  const notes = [...new Set(MUTATIONS.flatMap(({ accepted = {} }) => Object.entries(accepted).map(([verifier, reason]) => `\`${verifier}\`: ${reason}`)))];
  const sections = [
    `### Changed tiles\n\n${MUTATIONS.length} changes of a log of ${SIZES.small} entries, those marked \\* of one of ${format(SIZES.large)}.`,
    ...MUTATION_GROUPS.map(({ title, mutations }) => `#### ${title}\n\n${formatTable(mutations, notes)}`),
    `Why some are accepted:\n\n${notes.map((note, i) => `- (${letter(i)}) ${note}.`).join('\n')}`,
    `No change to speak of, accepted by all three:\n\n${formatList(HARMLESS)}`,
    `What none of them can find with the key and a checkpoint kept at ${SIZES.kept} entries; keep newer ones:\n\n${formatList(UNDETECTABLE)}`,
    `### Changed records\n\nRejected by \`@indelible/verify\` and by \`docs/spec/verify_record.py\`:\n\n${formatList(RECORD_MUTATIONS)}`,
    `Accepted by both, since it has no effect on the record:\n\n${formatList(RECORD_HARMLESS)}`,
    `What neither can find in the record alone; a seal kept elsewhere shows it:\n\n${formatList(RECORD_UNDETECTABLE)}`,
    `### Changed proofs\n\nInclusion proofs, rejected by \`@indelible/tlog\`, \`golang.org/x/mod\`, \`@sigstore/verify\` and \`@transmute/rfc9162\`:\n\n${formatList(INCLUSION_MUTATIONS)}`,
    `Consistency proofs, rejected by \`@indelible/tlog\`, \`golang.org/x/mod\` and \`@transmute/rfc9162\`:\n\n${formatList(CONSISTENCY_MUTATIONS)}`,
    `\`.tlog-proof\` files with a cosignature, rejected by \`@indelible/tlog\` and \`golang.org/x/mod\`:\n\n${formatList(TLOG_PROOF_MUTATIONS)}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function formatTable(mutations: readonly Mutation[], notes: readonly string[]): string {
  const rows = mutations.map((mutation) => {
    const cells = COLUMNS.map((verifier) => formatCell(mutation, verifier, notes));
    return `| ${mutation.name}${mutation.log === 'large' ? ' \\*' : ''} | ${cells.join(' | ')} |`;
  });
  return [`| change | ${COLUMNS.map((name) => `\`${name}\``).join(' | ')} |`, `| --- | ${COLUMNS.map(() => '---').join(' | ')} |`, ...rows].join('\n');
}

function formatCell(mutation: Mutation, verifier: VerifierName, notes: readonly string[]): string {
  const verdict = expectedVerdict(mutation, verifier);
  if (verdict === 'rejected') return 'rejects';
  if (verdict === 'unread') return '–';
  return `accepts (${letter(notes.indexOf(`\`${verifier}\`: ${mutation.accepted?.[verifier] ?? ''}`))})`;
}

function formatList(rows: readonly Named[]): string {
  return rows.map(({ name }) => `- ${name}`).join('\n');
}

function letter(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index);
}

function format(count: number): string {
  return count.toLocaleString('en-US');
}
