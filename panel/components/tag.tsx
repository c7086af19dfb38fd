import classes from "./tag.module.css";

/** A word that is data: a tag, a role, a selector. */
export function Tag({ children }: { children: React.ReactNode }) {
  return <span className={classes.tag}>{children}</span>;
}

/** `most`: of a row, where there is room for so many; the others are counted. */
export function Tags({ tags, most }: { tags: readonly (readonly [string, string])[]; most?: number }) {
  if (tags.length === 0) return <span className="muted">–</span>;
  return (
    <span className={classes.tags} title={tags.map(([key, value]) => `${key}=${value}`).join(" ")}>
      {tags.slice(0, most).map(([key, value]) => (
        <Tag key={`${key}=${value}`}>
          {key}={value}
        </Tag>
      ))}
      {most !== undefined && tags.length > most && <Tag>+{tags.length - most}</Tag>}
    </span>
  );
}
