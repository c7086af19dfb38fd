import classes from "./tag.module.css";

/** A word that is data: a tag, a role, a selector. */
export function Tag({ children }: { children: React.ReactNode }) {
  return <span className={classes.tag}>{children}</span>;
}

export function Tags({ tags }: { tags: readonly (readonly [string, string])[] }) {
  if (tags.length === 0) return <span className="muted">–</span>;
  return (
    <span className={classes.tags} title={tags.map(([key, value]) => `${key}=${value}`).join(" ")}>
      {tags.map(([key, value]) => (
        <Tag key={`${key}=${value}`}>
          {key}={value}
        </Tag>
      ))}
    </span>
  );
}
