/** Mantine in our tokens: its components look as ours do, and follow `app/tokens.css` in light and dark. */
import { type CSSVariablesResolver, createTheme, type VariantColorsResolver } from "@mantine/core";
import classes from "./theme.module.css";

const variantColors: VariantColorsResolver = ({ variant, color }) => {
  const bad = color === "red" || color === "bad";
  const ink = bad ? "var(--bad)" : "var(--accent)";
  const soft = bad ? "var(--bad-soft)" : "var(--accent-soft)";
  const none = "1px solid transparent";
  switch (variant) {
    case "filled":
      return bad
        ? { background: "var(--bad)", hover: "var(--bad)", color: "var(--bg)", border: none }
        : { background: "var(--accent)", hover: "var(--accent-hover)", color: "var(--on-accent)", border: none };
    case "subtle":
    case "light":
      return { background: variant === "light" ? soft : "transparent", hover: soft, color: ink, border: none };
    case "outline":
      return { background: "transparent", hover: soft, color: ink, border: `1px solid ${ink}` };
    default:
      return {
        background: "var(--surface)",
        hover: "var(--raised)",
        color: bad ? "var(--bad)" : "var(--text)",
        border: "1px solid var(--line-strong)",
      };
  }
};

export const theme = createTheme({
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--mono)",
  headings: { fontFamily: "var(--font)", fontWeight: "600" },
  fontSizes: { xs: "12px", sm: "var(--size)", md: "var(--size)", lg: "16px", xl: "20px" },
  lineHeights: { xs: "16px", sm: "var(--leading)", md: "var(--leading)", lg: "24px", xl: "28px" },
  spacing: { xs: "4px", sm: "8px", md: "16px", lg: "24px", xl: "32px" },
  radius: { xs: "2px", sm: "4px", md: "4px", lg: "6px", xl: "8px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  variantColorResolver: variantColors,
  // Plain objects and not `Button.extend(…)`: that would load every component with every page.
  components: {
    Button: {
      defaultProps: { variant: "default", size: "sm" },
      classNames: { root: classes.button ?? "" },
    },
    Input: { defaultProps: { size: "sm" }, classNames: { input: classes.input ?? "" } },
    InputWrapper: {
      defaultProps: { size: "sm", withAsterisk: false, inputWrapperOrder: ["label", "input", "description", "error"] },
      classNames: { label: classes.label ?? "", description: classes.description ?? "", error: classes.error ?? "" },
    },
    Modal: { classNames: { content: classes.dialog ?? "", overlay: classes.overlay ?? "" } },
    Tabs: { classNames: { tab: classes.tab ?? "", list: classes.tabs ?? "" } },
    SegmentedControl: {
      defaultProps: { size: "sm", withItemsBorders: false, transitionDuration: 0 },
      classNames: { root: classes.segments ?? "", indicator: classes.segment ?? "", label: classes.segmentLabel ?? "" },
    },
    Tooltip: { defaultProps: { transitionProps: { duration: 0 }, openDelay: 300 } },
    Switch: { defaultProps: { size: "sm" } },
    Checkbox: { defaultProps: { size: "xs" } },
  },
});

const shared = {
  "--mantine-color-body": "var(--surface)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-bright": "var(--text)",
  "--mantine-color-dimmed": "var(--muted)",
  "--mantine-color-placeholder": "var(--muted)",
  "--mantine-color-anchor": "var(--accent)",
  "--mantine-color-error": "var(--bad)",
  "--mantine-color-default": "var(--surface)",
  "--mantine-color-default-hover": "var(--raised)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line)",
  "--mantine-primary-color-filled": "var(--accent)",
  "--mantine-primary-color-filled-hover": "var(--accent-hover)",
  "--mantine-primary-color-light": "var(--accent-soft)",
  "--mantine-primary-color-light-hover": "var(--accent-soft)",
  "--mantine-primary-color-contrast": "var(--on-accent)",
};

export const cssVariables: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared });
