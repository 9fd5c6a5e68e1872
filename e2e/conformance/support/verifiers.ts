import { verifyLog } from '@indelible/verify';
import { buildGoProgram } from './go-program.ts';
import type { Missing } from './outside-program.ts';
import { checkWithSigstore } from './sigstore.ts';
import type { TilesEvidence } from './tiles-evidence.ts';

/** What a verifier makes of evidence; `unread` where it was not even given any, because of a file that cannot be read. */
export interface Verdict {
  readonly verdict: 'accepted' | 'rejected' | 'unread';
  readonly reason: string;
}

/** Names of the verifiers, as in the table. */
export type VerifierName = '@indelible/verify' | 'golang.org/x/mod' | '@sigstore/verify';

/** Somebody who judges tiles. */
export interface Verifier {
  readonly name: VerifierName;
  /** @param entries - Where one that looks at single entries should look; others look at all of them. */
  check(evidence: TilesEvidence, entries: readonly number[]): Promise<Verdict>;
}

/** The verifiers that this machine has. */
export function findVerifiers(scratch: string): Verifier[] {
  const go = goVerifier(scratch);
  return [indelibleVerifier, ...('missing' in go ? [] : [go]), sigstoreVerifier];
}

const indelibleVerifier: Verifier = {
  name: '@indelible/verify',
  check: async ({ directory, vkey, kept }) => {
    const { verdict, findings } = await verifyLog(directory, { key: vkey, since: kept });
    if (verdict === 'not_proven') throw new Error(`no verdict: ${JSON.stringify(findings)}`);
    return { verdict: verdict === 'sound' ? 'accepted' : 'rejected', reason: findings.map(({ code, meaning }) => `${code}: ${meaning}`).join('; ') };
  },
};

function goVerifier(scratch: string): Verifier | Missing {
  const program = buildGoProgram(scratch);
  if ('missing' in program) return program;
  return {
    name: 'golang.org/x/mod',
    check: async ({ directory, origin, vkey, keptPath }) => {
      const outcome = program.run(['tiles', '-dir', directory, '-origin', origin, '-key', vkey, '-kept', keptPath, '-proofs', '10']);
      return { verdict: outcome.status === 0 ? 'accepted' : 'rejected', reason: outcome.stderr.trim() };
    },
  };
}

const sigstoreVerifier: Verifier = { name: '@sigstore/verify', check: checkWithSigstore };
