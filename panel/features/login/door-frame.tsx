import { Mark } from "@/components/mark";
import classes from "./door-frame.module.css";

/** What stands around the two pages before a session: nothing but the mark. */
export function DoorFrame({
  title,
  children,
  foot,
}: {
  title: string;
  children: React.ReactNode;
  foot?: React.ReactNode;
}) {
  return (
    <main className={classes.door}>
      <div className={classes.box}>
        <header className={classes.head}>
          <Mark size={24} />
          <h1>{title}</h1>
        </header>
        {children}
        {foot && <footer className={classes.foot}>{foot}</footer>}
      </div>
    </main>
  );
}
