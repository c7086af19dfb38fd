import { Command } from "@/components/copy";
import { Section } from "@/components/page";
import classes from "./add-node.module.css";
import { MemberForm } from "./member-form";

/** On a tailnet nobody is invited: who a node is says Tailscale. */
export function TailnetAdvice({ gateway, may }: { gateway: string; may: boolean }) {
  return (
    <>
      <p>
        This grid is on a tailnet: nodes join without an invitation, and who they are says Tailscale. They wait for your
        yes, but for those that the gateway's rules approve.
      </p>
      <div className={classes.two}>
        <Section title="A host that runs services">
          <Command text={`gridwire join ${gateway} --reach 127.0.0.1:9000\ngridwire install --role edge`} />
          <p className="muted">There, as root, where Tailscale is logged in.</p>
        </Section>
        <Section title="A laptop with gridwire">
          <Command text={`gridwire join ${gateway} --role client\ngridwire install`} />
          <p className="muted">Or --role operator, for who runs the grid.</p>
        </Section>
        <Section title="A phone, or a device without gridwire">
          {may ? <MemberForm /> : <p className="muted">An operator who may change the grid lets it in.</p>}
          <Command text="gridwire node admit phone" />
          <p className="muted">Or so, on the gateway, by its name on the tailnet.</p>
        </Section>
      </div>
    </>
  );
}
