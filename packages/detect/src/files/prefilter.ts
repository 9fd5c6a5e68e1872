const WORDS = /audit|log_?in|log_?out|log_?off|log[- ](?:in|out|off)|logged|logger|sign_?in|sign_?out|sign[- ](?:in|out)|signed[- _](?:in|out)|session|winston|pino|bunyan|log4js|security_?(?:log|event)|activity_?log|event_?log|access_?log|appendFile|createWriteStream|(?:auth|system|user|action|history)_?logs?\b|(?:auth|system|user|action)Logs?|logs?_?(?:model|schema|entity|table)|mongoose\.model|mongoose\.Schema|@Entity\(|(?:pg|sqlite|mysql)Table\(|sequelize\.define|ObjectLock|keep_?alive|max_?devices|@OnEvent|EventsHandler/i;

/** A file that passes on what others export; small, so that the names can be followed through it. */
const BARREL = /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*(?:as\s+\w+\s+)?from\b/m;
const MAX_BARREL = 6_000;

/** Whether a file of code can say anything about sessions or logging, judged by its words. */
export function isWorthParsing(text: string): boolean {
  return WORDS.test(text) || (text.length < MAX_BARREL && BARREL.test(text));
}
