/** A change is asked for twice: as a preview, then for good. */

export interface Ask {
  preview: boolean;
  ifMatch: string | null;
}

/**
 * The condition of a change. Where nothing was read before, nothing may be there: If-None-Match keeps a new name from
 * taking an old one's place.
 */
export function unless(ifMatch: string | null): Record<string, string> {
  return ifMatch ? { "If-Match": ifMatch } : { "If-None-Match": "*" };
}
