import type { Access, Difference, Preview, Socket } from "@/lib/api/types";
import { count, plural } from "@/lib/format";
import { crowdText } from "./crowd";
import { Diff } from "./diff";
import classes from "./difference-view.module.css";
import { Shape, type Tone } from "./state-chip";
import { sentence } from "./states";

/** What a change would do. */
export function PreviewView({ preview }: { preview: Preview }) {
  return (
    <div className={classes.view}>
      {preview.changes ? (
        <DifferenceView difference={preview.difference} />
      ) : (
        <p>Nothing changes: it is like this already.</p>
      )}
      {preview.notes.map((note) => (
        <p key={note}>{sentence(note)}</p>
      ))}
    </div>
  );
}

const CUT = {
  revoked: "the tunnel, and all that goes through it",
  withdrawn: "what is under way on a withdrawn route",
};

/** Two states of the fleet, the gravest first: who is cut, who loses, who gains, who serves, what listens, the text. */
export function DifferenceView({ difference }: { difference: Difference }) {
  const quiet =
    difference.cuts.length + difference.losses.length + difference.gains.length + difference.redirections.length === 0;
  return (
    <div className={classes.view}>
      <Part title="Cut at once" tone="bad" shown={difference.cuts.length}>
        {difference.cuts.map((cut) => (
          <li key={cut.why + crowdText(cut.who)}>
            <b>{crowdText(cut.who)}</b>: {CUT[cut.why]}
          </li>
        ))}
      </Part>
      <Part title="Served by nobody from then on" tone="bad" shown={difference.unserved.length}>
        {difference.unserved.map((service) => (
          <li key={service}>{service}</li>
        ))}
      </Part>
      <Part title="Can no longer open" tone="warning" shown={difference.losses.length}>
        {difference.losses.map(accessLine)}
      </Part>
      <Part title="Can open from then on" tone="working" shown={difference.gains.length}>
        {difference.gains.map(accessLine)}
      </Part>
      <Part title="Reach another service" tone="working" shown={difference.redirections.length}>
        {difference.redirections.map((redirection) => (
          <li key={redirection.host + redirection.path + crowdText(redirection.who)}>
            <b>{crowdText(redirection.who)}</b> at{" "}
            <code>
              {redirection.host}
              {redirection.path}
            </code>
            : {redirection.before} → {redirection.after}
          </li>
        ))}
      </Part>
      <Part title="Endpoints" tone="working" shown={difference.upstreams.length}>
        {difference.upstreams.map((upstream) => (
          <li key={upstream.service}>
            <b>{upstream.service}</b>: {count(upstream.before)} → {count(upstream.after)}
            {upstream.enter.count > 0 && `, ${crowdText(upstream.enter)} begins`}
            {upstream.leave.count > 0 && `, ${crowdText(upstream.leave)} leaves`}
            {upstream.drain.count > 0 && `, ${crowdText(upstream.drain)} drains`}
            {upstream.target_before !== upstream.target_after &&
              upstream.target_before !== null &&
              upstream.target_after !== null &&
              `, ${upstream.target_before} → ${upstream.target_after}`}
          </li>
        ))}
      </Part>
      <Part title="Listeners" tone="working" shown={difference.appear.length + difference.go.length}>
        {difference.appear.map((socket) => (
          <li key={socketText(socket)}>
            opens <code>{socketText(socket)}</code>
          </li>
        ))}
        {difference.go.map((socket) => (
          <li key={socketText(socket)}>
            closes <code>{socketText(socket)}</code>
          </li>
        ))}
      </Part>
      {quiet && <p className="muted">Nobody gains or loses a route, and no connection is cut.</p>}
      {difference.nouns.map((noun) => (
        <div key={`${noun.noun}/${noun.name}`}>
          <h3>
            {noun.noun} {noun.name}: {noun.before === null ? "added" : noun.after === null ? "removed" : "changed"}
          </h3>
          <Diff fields={noun.fields} />
        </div>
      ))}
      {difference.left_out > 0 && (
        <p className="muted">And {plural(difference.left_out, "more line")} that are not shown.</p>
      )}
    </div>
  );
}

function accessLine(access: Access) {
  const places = access.places.map((place) => place.host + (place.path === "/" ? "" : place.path)).join(", ");
  return (
    <li key={crowdText(access.who) + places}>
      <b>{crowdText(access.who)}</b>: {places}
    </li>
  );
}

function socketText(socket: Socket): string {
  return `${socket.node} ${socket.address ?? "*"}:${socket.port}/${socket.transport} (${socket.kind})`;
}

function Part(props: { title: string; tone: Tone; shown: number; children: React.ReactNode }) {
  if (props.shown === 0) return null;
  return (
    <section>
      <h3 className={classes.title}>
        <Shape tone={props.tone} /> {props.title}
      </h3>
      <ul className={classes.list}>{props.children}</ul>
    </section>
  );
}
