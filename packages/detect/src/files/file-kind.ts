/** What a file is read for. */
export type FileKind = 'code' | 'sql' | 'prisma' | 'hcl' | 'template' | 'document' | 'manifest' | 'tsconfig';

/** Folders that hold nothing of the project's own: never entered. */
export const FOREIGN_FOLDERS: ReadonlySet<string> = new Set([
  'node_modules', 'bower_components', 'jspm_packages', '.git', '.hg', '.svn', '.yarn', '.pnpm-store', 'dist', '.next', '.nuxt', '.output', '.svelte-kit',
  '.wrangler', '.vercel', '.netlify', '.turbo', '.cache', '.parcel-cache', '.angular', '.expo', '.backup', 'coverage', '.nyc_output', '.terraform', '.serverless',
  '.aws-sam', 'cdk.out', '.venv', 'venv', '__pycache__', '.idea', '.vscode', '.claude', '.cursor', '.docusaurus',
]);

const CODE = /\.(?:[cm]?[jt]sx?|vue|svelte)$/i;
const TEST_FOLDER = /(?:^|\/)(?:__tests__|__mocks__|__fixtures__|__snapshots__|tests?|specs?|e2e|cypress|playwright|integration-tests?|fixtures?|mocks?|test-?data|test-?utils?|msw)\//i;
const TEST_FILE = /\.(?:test|spec|e2e|e2e-spec|int-spec|cy|mock|mocks|fixture|fixtures|bench)\.[cm]?[jt]sx?$|(?:^|\/)(?:jest|vitest|playwright|cypress|karma)\.[\w.-]*[jt]s$|(?:^|\/)(?:test|tests)\.[cm]?[jt]sx?$|[-_](?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)test[-_.][\w.-]*\.[cm]?[jt]sx?$/i;
const STORY = /\.stories\.[\w]+$|(?:^|\/)(?:\.storybook|stories)\//i;
const SEED = /(?:^|\/)(?:seeds?|seeders?|seeding)\/|(?:^|\/)(?:[\w.-]*[-_.])?seed(?:s|er|ers|ing)?(?:[-_.][\w.-]*)?\.(?:[cm]?[jt]sx?|sql)$/i;
const GENERATED = /(?:^|\/)(?:__generated__|generated|\.generated|gen)\/|\.(?:generated|gen)\.[cm]?[jt]sx?$|\.d\.[cm]?ts$/i;
const VENDORED = /(?:^|\/)(?:vendor|vendors|vendored|third[-_]party|backups?|\.backup[\w.-]*|[\w.-]+[-_.](?:backup|bak|old))\/|\.min\.[cm]?js$|[.-]bundle\.[cm]?js$|\.bak$|(?:^|\/)(?:\.pnp\.[cm]?js|\.yarnrc)/i;
const BUILT = /(?:^|\/)(?:build|out|target|public\/(?:build|assets|static|dist|vendor|lib|libs))\//i;
const UI_TEXT = /(?:^|\/)(?:locales?|i18n|lang|langs|translations?|messages)\//i;

/** The kind of a file, or undefined where nobody reads it. */
export function fileKind(path: string): FileKind | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (CODE.test(name)) return 'code';
  if (name === 'package.json') return 'manifest';
  if (/^(?:tsconfig|jsconfig)[\w.-]*\.json$/.test(name)) return 'tsconfig';
  if (/\.(?:sql|psql|pgsql)$/i.test(name)) return 'sql';
  if (/\.prisma$/i.test(name)) return 'prisma';
  if (/\.tf(?:\.json)?$/i.test(name)) return 'hcl';
  if (/\.(?:ya?ml|json|template)$/i.test(name)) {
    if (/(?:^|[-_.])(?:template|stack|cloudformation|cfn|sam|serverless|infra|infrastructure|resources?|bucket|storage|s3|log4js)/i.test(name)) return 'template';
    return /(?:^|\/)(?:cloudformation|cfn|infra|infrastructure|iac|aws|deploy|templates?)\//i.test(path) ? 'template' : undefined;
  }
  return /\.(?:md|mdx|markdown|rst|adoc|txt)$/i.test(name) ? 'document' : undefined;
}

/** Why a file is no evidence, or undefined where it is. */
export function excludedBecause(path: string, kind: FileKind): string | undefined {
  if (kind === 'document' || kind === 'manifest' || kind === 'tsconfig') return undefined;
  if (TEST_FOLDER.test(path) || TEST_FILE.test(path)) return 'tests and fixtures';
  if (STORY.test(path)) return 'stories';
  if (SEED.test(path)) return 'seeds';
  if (VENDORED.test(path)) return 'built, vendored or cached';
  if (kind !== 'code') return undefined;
  if (GENERATED.test(path)) return 'generated';
  if (BUILT.test(path)) return 'built, vendored or cached';
  if (UI_TEXT.test(path)) return 'translations';
  return undefined;
}
