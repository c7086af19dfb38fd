"use client";
import { Modal } from "@mantine/core";
import classes from "./dialog.module.css";

/** A question that has to be answered before anything else; the focus stays in it, Escape leaves it. */
export interface DialogProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  wide?: boolean;
  children: React.ReactNode;
  footer?: React.ReactNode;
}

export default function DialogFrame(props: DialogProps) {
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={props.title}
      size={props.wide ? 720 : 480}
      centered
      padding={0}
      transitionProps={{ duration: 0 }}
      classNames={{ header: classes.header ?? "", title: classes.title ?? "", close: classes.close ?? "" }}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes.body}>{props.children}</div>
      {props.footer && <div className={classes.footer}>{props.footer}</div>}
    </Modal>
  );
}
