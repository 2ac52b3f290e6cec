// belay-bench-snmp-agent: a sub-agent that does nothing but serve a table of so many rows that never changes,
// as net-snmp's library has tables for that. What belay-snmp is measured beside.

// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
// clang-format on

#include <array>
#include <cstdlib>
#include <string>

int main(int argc, char** argv)
{
    constexpr int columns = 8;
    constexpr std::array<oid, 8> arc = {1, 3, 6, 1, 4, 1, 32473, 2};
    if (argc != 3) return 2;
    const long rows = std::atol(argv[2]);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
    netsnmp_set_mib_directory("");
    snmp_disable_log();
    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, argv[1]);
    netsnmp_enable_subagent();
    init_agent("belay-bench-snmp-agent");

    netsnmp_table_data_set* const table = netsnmp_create_table_data_set("bare");
    netsnmp_table_dataset_add_index(table, ASN_INTEGER);
    for (unsigned column = 2; column < columns + 2; ++column)
        netsnmp_table_set_add_default_row(table, column, ASN_OCTET_STR, 0, nullptr, 0);
    netsnmp_register_table_data_set(
        netsnmp_create_handler_registration("bare", nullptr, arc.data(), arc.size(), HANDLER_CAN_RONLY),
        table, nullptr);
    for (long number = 1; number <= rows; ++number) {
        netsnmp_table_row* const row = netsnmp_create_table_data_row();
        netsnmp_table_row_add_index(row, ASN_INTEGER, &number, sizeof number);
        for (int column = 2; column < columns + 2; ++column) {
            const std::string text = "value " + std::to_string(number);
            netsnmp_set_row_column(row, static_cast<unsigned>(column), ASN_OCTET_STR, text.data(),
                                   text.size());
        }
        netsnmp_table_dataset_add_row(table, row);
    }
    init_snmp("belay-bench-snmp-agent");
    while (true) agent_check_and_process(1);
}
