"use client";
import { Menu, useMantineColorScheme } from "@mantine/core";
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { answer, api } from "@/lib/api/client";
import { paths } from "@/lib/paths";
import { useSession } from "@/lib/session-query";
import { AccountButton } from "./account-button";

export default function AccountMenu() {
  const session = useSession().data;
  const client = useQueryClient();
  const router = useRouter();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = async () => {
    await answer(api.DELETE("/api/v1/session"));
    client.clear();
    router.replace(paths.login());
  };
  return (
    <Menu defaultOpened position="bottom-end" width={216} transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <AccountButton />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session ? `${session.operator} on ${session.node}, may ${session.may}` : "Not logged in"}
        </Menu.Label>
        {(
          [
            ["auto", "As the system", IconDeviceDesktop],
            ["light", "Light", IconSun],
            ["dark", "Dark", IconMoon],
          ] as const
        ).map(([scheme, name, Glyph]) => (
          <Menu.Item
            key={scheme}
            leftSection={<Glyph size={14} aria-hidden="true" />}
            rightSection={colorScheme === scheme ? "✓" : undefined}
            onClick={() => setColorScheme(scheme)}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={14} aria-hidden="true" />} onClick={() => void leave()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
