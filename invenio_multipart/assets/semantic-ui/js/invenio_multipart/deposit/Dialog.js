// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useEffect, useRef } from "react";
import { Button, Modal, Ref } from "semantic-ui-react";
import { t } from "./text";

const REACHABLE =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex]:not([tabindex="-1"])';

let count = 0;

/** Tab stays within `box`, as in a dialog of the browser itself. */
const keepInside = (box) => (event) => {
  if (event.key !== "Tab" || !box.current) return;
  const all = [...box.current.querySelectorAll(REACHABLE)].filter(
    (node) => node.offsetParent !== null,
  );
  if (!all.length) return;
  const edge = event.shiftKey ? all[0] : all[all.length - 1];
  if (document.activeElement === edge || !box.current.contains(document.activeElement)) {
    event.preventDefault();
    (event.shiftKey ? all[all.length - 1] : all[0]).focus();
  }
};

/** The focus goes into the dialog when it opens, and back to where it was when it closes. */
const useFocus = (box) => {
  useEffect(() => {
    const before = document.activeElement;
    const field = box.current?.querySelector(
      "[data-first-focus], .content input, .content textarea",
    );
    const first = field || box.current?.querySelector(".actions button:last-child");
    if (first) first.focus();
    const trap = keepInside(box);
    document.addEventListener("keydown", trap);
    return () => {
      document.removeEventListener("keydown", trap);
      // The opener may be gone, as a row that was removed.
      if (document.body.contains(before)) before.focus();
    };
  }, [box]);
};

/**
 * A modal window that keyboards and screen readers can use.
 *
 * `actions` are its buttons, the main one last; Escape and the cross call `onClose`.
 */
export const Dialog = ({
  title,
  size,
  onClose,
  actions,
  scrolling,
  className,
  children,
}) => {
  const box = useRef(null);
  const id = useRef();
  if (!id.current) {
    count += 1;
    id.current = `invenio-multipart-dialog-${count}`;
  }
  useFocus(box);
  return (
    <Ref innerRef={box}>
      <Modal
        open
        size={size}
        role="dialog"
        aria-modal="true"
        aria-labelledby={id.current}
        className={`invenio-multipart ${className}`}
        closeOnDimmerClick={false}
        onClose={onClose}
      >
        <Modal.Header as="h2" id={id.current}>
          {title}
          <Button
            type="button"
            basic
            icon="close"
            className="im-close"
            aria-label={t("Close")}
            onClick={onClose}
          />
        </Modal.Header>
        <Modal.Content scrolling={scrolling}>{children}</Modal.Content>
        {actions && <Modal.Actions>{actions}</Modal.Actions>}
      </Modal>
    </Ref>
  );
};

Dialog.propTypes = {
  title: PropTypes.node.isRequired,
  size: PropTypes.string,
  onClose: PropTypes.func.isRequired,
  actions: PropTypes.node,
  scrolling: PropTypes.bool,
  className: PropTypes.string,
  children: PropTypes.node.isRequired,
};

Dialog.defaultProps = { size: "small", actions: null, scrolling: false, className: "" };

/** The two buttons of a dialog; each gets the properties of a `Button`, `yes` is the main one. */
export const Answers = ({ no, yes }) => (
  <>
    <Button type="button" className="left-floated" {...no} />
    <Button type="button" primary={!yes.negative} {...yes} />
  </>
);

Answers.propTypes = { no: PropTypes.object.isRequired, yes: PropTypes.object.isRequired };

/** A question with two answers; `danger` where something would be lost. */
export const Question = ({ title, yes, danger, onYes, onNo, children }) => (
  <Dialog
    title={title}
    size="tiny"
    onClose={onNo}
    actions={
      <Answers
        no={{ content: t("Cancel"), onClick: onNo }}
        yes={{ content: yes, negative: danger, onClick: onYes }}
      />
    }
  >
    {children}
  </Dialog>
);

Question.propTypes = {
  title: PropTypes.node.isRequired,
  yes: PropTypes.string.isRequired,
  danger: PropTypes.bool,
  onYes: PropTypes.func.isRequired,
  onNo: PropTypes.func.isRequired,
  children: PropTypes.node.isRequired,
};

Question.defaultProps = { danger: false };
